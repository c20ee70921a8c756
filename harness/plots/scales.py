"""Axes in bytes: one unit for the whole axis, a log scale only where the range asks for one."""

from __future__ import annotations

import math
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from msgspec import Struct

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_LOG_FROM_RATIO = 20


class ByteScale(Struct, frozen=True):
    """A unit that fits the largest value, and whether the range is too wide for a linear axis."""

    unit: str
    divisor: float
    logarithmic: bool
    low: float
    high: float

    def of(self, size_bytes: float) -> float:
        """Return a size in the unit of this axis."""
        return size_bytes / self.divisor


def byte_scale(sizes: list[float], *, may_be_log: bool = True) -> ByteScale:
    """Choose the scale for `sizes`, of which there is at least one."""
    high = max(map(abs, sizes))
    power = min(int(math.log(high, 1024)), len(_UNITS) - 1) if high >= 1 else 0
    low = min(sizes)
    logarithmic = may_be_log and low > 0 and high / low > _LOG_FROM_RATIO
    return ByteScale(_UNITS[power], 1024.0**power, logarithmic, low, high)


def scale_axis(
    axes: Axes, side: Literal["x", "y"], scale: ByteScale, label: str, *, room: float = 0.0
) -> None:
    """Give `axes` a horizontal or a vertical axis of this scale, labelled with its unit.

    A share of it, the `room`, is left free at its end.
    """
    free = 1 / (1 - room)
    ends = 0.0, scale.of(scale.high) * 1.08 * free
    if scale.logarithmic:
        low, high = scale.of(scale.low) / 1.5, scale.of(scale.high) * 1.5
        ends = low, low * (high / low) ** free
        getattr(axes, f"set_{side}scale")("log", base=2)
        step = max(1, round(math.log2(scale.high / scale.low) / 6))
        axis = axes.xaxis if side == "x" else axes.yaxis
        axis.set_major_locator(LogLocator(base=2.0**step))
        plain_log(axis)
    unit = f"{scale.unit}, log scale" if scale.logarithmic else scale.unit
    axes.set(**{f"{side}lim": ends, f"{side}label": f"{label} ({unit})"})


def plain_log(axis: Axis) -> None:
    """Label a logarithmic axis with numbers as people write them, and only at its major ticks."""
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: _plain(value)))


def _plain(value: float) -> str:
    """Return 0.00390625 as 0.00391: all of its digits would reach into the next tick's."""
    return f"{value:g}" if abs(value) >= 1 else f"{value:.3g}"
