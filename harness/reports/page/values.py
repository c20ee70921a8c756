"""Numbers as the page prints them; what they are sorted by stays exact."""

from __future__ import annotations

import math

from harness.reports.cells import NOTHING
from harness.units import format_bytes

UNITS = {"byte": "bytes", "second": "s", "count": ""}


def format_value(value: float, unit: str) -> str:
    """Return one measured value in the way its unit is read best; what is none is a dash."""
    if not math.isfinite(value):
        return NOTHING
    if unit == "byte":
        return format_bytes(value)
    if unit == "second":
        return f"{value:.3f} s" if abs(value) >= 0.01 else f"{1000 * value:.3f} ms"
    if unit == "count":
        return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"
    return f"{value:g} {unit}".rstrip()


def exact(value: float, unit: str) -> str:
    """Return one value to the last digit: `1,016,160 bytes`."""
    digits = f"{value:,.0f}" if value == round(value) else f"{value:,}"
    return f"{digits} {UNITS.get(unit, unit)}".rstrip()


def share(part: float, whole: float) -> float:
    """Return `part` of `whole` in per cent, between 0 and 100, for the length of a bar."""
    return round(min(100.0, max(0.0, 100 * part / whole)), 2) if whole > 0 else 0.0
