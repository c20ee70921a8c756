"""Bencher Metric Format: one JSON object of benchmarks, each an object of measures.

A measure has a `value` and may have `lower_value` and `upper_value`; there is no place for a unit.
"""

from __future__ import annotations

from statistics import median

import pandas as pd

from harness.reports.exports.measurements import iter_series, measure_name, plain
from harness.text import json_bytes


def render(table: pd.DataFrame) -> bytes:
    """Return the median of each metric, with the lowest and the highest replicate around it."""
    benchmarks: dict[str, dict[str, dict[str, int | float]]] = {}
    for case, metric, unit, values in iter_series(table):
        benchmarks.setdefault(case, {})[measure_name(metric, unit)] = {
            "value": plain(median(values)),
            "lower_value": plain(min(values)),
            "upper_value": plain(max(values)),
        }
    return json_bytes(benchmarks, indent=2) + b"\n"
