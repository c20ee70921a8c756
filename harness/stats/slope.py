"""A straight line through peaks over sizes, and how sure its slope is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from scipy.special import stdtrit

from harness.errors import MeasurementInvalid
from harness.stats.change import CONFIDENCE


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
    reach = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    return Slope(
        per_unit=float(slope),
        low=float(slope) - reach,
        high=float(slope) + reach,
        intercept=float(np.mean(peaks) - slope * np.mean(sizes)),
        r_squared=float(r_squared),
        points=len(sizes),
    )
