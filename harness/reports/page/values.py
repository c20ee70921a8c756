"""Numbers as the page prints them; what they are sorted by stays exact."""

from __future__ import annotations

import math

from harness.reports.cells import NOTHING
from harness.units import format_value

UNITS = {"byte": "bytes", "second": "s", "count": ""}


def known(value: float, unit: str) -> str:
    """Return one measured value as it is read best, and a dash for what is none."""
    return format_value(value, unit) if math.isfinite(value) else NOTHING


def exact(value: float, unit: str) -> str:
    """Return one value to the last digit: `1,016,160 bytes`."""
    if not math.isfinite(value):
        return NOTHING
    digits = f"{value:,.0f}" if value == round(value) else f"{value:,}"
    return f"{digits} {UNITS.get(unit, unit)}".rstrip()


def share(part: float, whole: float) -> float:
    """Return `part` of `whole` in per cent, between 0 and 100, for the length of a bar."""
    return round(min(100.0, max(0.0, 100 * part / whole)), 2) if whole > 0 else 0.0
