"""Live heap over time as a small chart: lines in a box of a hundred by a hundred."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from harness.stats.curves import Curve

_FEWEST_POINTS = 5


class Chart(Struct, frozen=True):
    """Both arms on one scale; `lines` are SVG points by arm, with y growing downwards."""

    lines: tuple[tuple[str, str], ...]
    peak_bytes: int
    seconds: float
    probe: str


def chart_of(curves: Sequence[Curve]) -> Chart | None:
    """Return the chart of these curves, or None where there were too few looks to draw a line."""
    peak = max((curve.peak_bytes for curve in curves), default=0)
    seconds = max((curve.seconds for curve in curves), default=0.0)
    if peak <= 0 or seconds <= 0 or min(len(curve.points) for curve in curves) < _FEWEST_POINTS:
        return None
    lines = tuple((curve.arm, _points(curve, seconds, peak)) for curve in curves)
    return Chart(lines, peak, seconds, curves[0].probe)


def _points(curve: Curve, seconds: float, peak_bytes: int) -> str:
    return " ".join(
        f"{100 * at_s / seconds:.1f},{100 - 100 * heap / peak_bytes:.1f}"
        for at_s, heap in curve.points
    )
