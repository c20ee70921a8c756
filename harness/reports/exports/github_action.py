"""The JSON that github-action-benchmark reads as `customSmallerIsBetter`.

A list of `name`, `unit` and `value`; `range` and `extra` are texts to be shown.
"""

from __future__ import annotations

from statistics import median

import pandas as pd

from harness.reports.exports.measurements import iter_series, plain
from harness.text import json_bytes


def render(table: pd.DataFrame) -> bytes:
    """Return the median of each metric; how far replicates are from it as the range."""
    entries = [_entry(*series) for series in iter_series(table)]
    return json_bytes(entries, indent=2) + b"\n"


def _entry(case: str, metric: str, unit: str, values: list[float]) -> dict[str, str | int | float]:
    middle, low, high = median(values), min(values), max(values)
    off = max(high - middle, middle - low)
    return {
        "name": f"{case} {metric}",
        "unit": unit,
        "value": plain(middle),
        "range": f"± {plain(off)}",
        "extra": f"replicates: {len(values)}\nlowest: {plain(low)}\nhighest: {plain(high)}",
    }
