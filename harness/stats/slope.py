"""A straight line through peaks over sizes, and how sure its slope is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy
from msgspec import Struct

from harness.errors import MeasurementInvalid
from harness.stats.change import CONFIDENCE, Floats


class Slope(Struct, frozen=True):
    """A straight line through peaks over sizes, with a 90 % interval for its slope.

    `per_unit` is in bytes of peak for one more unit of size. `r_squared` tells how much of the
    peaks' variation the line accounts for; languages and compilers account for much of the rest.
    """

    per_unit: float
    low: float
    high: float
    intercept: float
    r_squared: float
    points: int


def readable(value: float) -> str:
    """Return about three significant digits, without an exponent where people would not use one."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


_MOVED = 0.1  # of a slope: what a slope without spread may move by, and still be the same one


def rests_on(sizes: Sequence[float], peaks: Sequence[float], least: float = 0.0) -> int | None:
    """Return the place of the one input that the slope rests on; None where it is several.

    Without that one, the slope would not even be in its own 90 % interval, or there would be none:
    least squares follow a point that is far larger than all others, wherever it is. A slope that
    moves by less than `least` is the same one.
    """
    slope = fit_slope(sizes, peaks)
    reach = max(slope.high - slope.per_unit, _MOVED * abs(slope.per_unit), least)
    moved = {
        place: abs(slope_without(sizes, peaks, place) - slope.per_unit)
        for place in _suspects(np.array(sizes, float), np.array(peaks, float))
    }
    furthest = max(moved, key=lambda place: moved[place])
    return furthest if moved[furthest] > reach else None


def _suspects(sizes: Floats, peaks: Floats) -> list[int]:
    """Return the inputs one of which moves the slope furthest, in order.

    Leaving out each in turn would take the square of their number. A closed form tells the move at
    once, but has no digits left where an input's leverage is almost 1: leverages sum to 2, so these
    are two at most.
    """
    wide = sizes - sizes.mean()
    leverage = 1 / len(sizes) + wide**2 / (wide**2).sum()
    residuals = peaks - peaks.mean() - wide * (wide @ peaks) / (wide**2).sum()
    moves = np.abs(wide * residuals) / np.maximum(1 - leverage, 1e-9)
    return sorted({int(moves.argmax()), *map(int, leverage.argsort()[-2:])})


def slope_without(sizes: Sequence[float], peaks: Sequence[float], place: int) -> float:
    """Return the slope without one input; infinite where the others are of one size."""
    (wide, both), _ = np.cov(np.delete(sizes, place), np.delete(peaks, place), bias=True)
    return float(both / wide) if wide else math.inf


def fit_slope(sizes: Sequence[float], peaks: Sequence[float]) -> Slope:
    """Fit a line by least squares.

    Args:
        sizes: The size of each input, in functions or DIEs rather than bytes of file: language
            and file size go together in most corpora.
        peaks: The peak of each, in bytes.

    Raises:
        MeasurementInvalid: There are fewer than three inputs, or all are of one size.
    """
    if len(sizes) < 3 or len(set(sizes)) < 2:
        raise MeasurementInvalid(
            f"a slope needs three inputs of different sizes, not {len(set(sizes))}",
            remedy="measure a larger corpus",
        )
    if len(set(peaks)) == 1:  # least squares would divide nothing by nothing
        return Slope(0.0, 0.0, 0.0, float(peaks[0]), 0.0, len(sizes))
    # Three lines of numpy: `scipy.stats` takes longer to import than a report to be written.
    (wide, both), (_, high) = np.cov(sizes, peaks, bias=True)
    slope, r_squared, freedom = both / wide, both**2 / (wide * high), len(sizes) - 2
    error = math.sqrt(max(1 - r_squared, 0.0) * high / wide / freedom)
    reach = float(scipy.special.stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    return Slope(
        per_unit=float(slope),
        low=float(slope) - reach,
        high=float(slope) + reach,
        intercept=float(np.mean(peaks) - slope * np.mean(sizes)),
        r_squared=float(r_squared),
        points=len(sizes),
    )
