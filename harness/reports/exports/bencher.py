"""Bencher Metric Format: one JSON object of benchmarks, each an object of measures.

A measure has a `value` and may have `lower_value` and `upper_value`; there is no place for a unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

from harness.reports.exports.measurements import Measurement, iter_series, measure_name, plain


def render(measurements: Sequence[Measurement]) -> bytes:
    """Return the median of each metric, with the lowest and the highest replicate around it."""
    benchmarks: dict[str, dict[str, dict[str, int | float]]] = {}
    for series in iter_series(measurements):
        benchmarks.setdefault(series.case.name, {})[measure_name(series.metric, series.unit)] = {
            "value": plain(median(series.values)),
            "lower_value": plain(min(series.values)),
            "upper_value": plain(max(series.values)),
        }
    return msgspec.json.format(msgspec.json.encode(benchmarks), indent=2) + b"\n"
