"""The JSON that github-action-benchmark reads as `customSmallerIsBetter`.

A list of `name`, `unit` and `value`; `range` and `extra` are texts to be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

from harness.reports.exports.measurements import Measurement, Series, iter_series, plain


def render(measurements: Sequence[Measurement]) -> bytes:
    """Return the median of each metric; how far replicates are from it as the range."""
    entries = [_entry(series) for series in iter_series(measurements)]
    return msgspec.json.format(msgspec.json.encode(entries), indent=2) + b"\n"


def _entry(series: Series) -> dict[str, str | int | float]:
    middle, low, high = median(series.values), min(series.values), max(series.values)
    off = max(high - middle, middle - low)
    return {
        "name": f"{series.case.name} {series.metric}",
        "unit": series.unit,
        "value": plain(middle),
        "range": f"± {plain(off)}",
        "extra": f"replicates: {len(series.values)}\nlowest: {plain(low)}\nhighest: {plain(high)}",
    }
