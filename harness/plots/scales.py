"""Axes in bytes: one unit for the whole axis, a log scale only where the range asks for one."""

from __future__ import annotations

import math

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


def scale_x(axes: Axes, scale: ByteScale, label: str) -> None:
    """Give `axes` a horizontal axis of this scale, labelled with its unit."""
    if not scale.logarithmic:
        axes.set_xlim(0, scale.of(scale.high) * 1.08)
        axes.set_xlabel(f"{label} ({scale.unit})")
        return
    axes.set_xscale("log", base=2)
    axes.set_xlim(scale.of(scale.low) / 1.5, scale.of(scale.high) * 1.5)
    _space_ticks(axes.xaxis, scale)
    axes.set_xlabel(f"{label} ({scale.unit}, log scale)")


def scale_y(axes: Axes, scale: ByteScale, label: str, *, room: float = 0.0) -> None:
    """Give `axes` a vertical axis of this scale, with a share of it left free above."""
    free = 1 / (1 - room)
    if not scale.logarithmic:
        axes.set_ylim(0, scale.of(scale.high) * 1.08 * free)
        axes.set_ylabel(f"{label} ({scale.unit})")
        return
    low, high = scale.of(scale.low) / 1.5, scale.of(scale.high) * 1.5
    axes.set_yscale("log", base=2)
    axes.set_ylim(low, low * (high / low) ** free)
    _space_ticks(axes.yaxis, scale)
    axes.set_ylabel(f"{label} ({scale.unit}, log scale)")


def _space_ticks(axis: Axis, scale: ByteScale) -> None:
    step = max(1, round(math.log2(scale.high / scale.low) / 6))
    axis.set_major_locator(LogLocator(base=2.0**step))
    plain_log(axis)


def plain_log(axis: Axis) -> None:
    """Label a logarithmic axis with numbers as people write them, and only at its major ticks."""
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
