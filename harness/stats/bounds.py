"""Bounds: is every replicate within one, how much room is left, and which one to propose."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy
from msgspec import Struct

from harness.errors import MeasurementInvalid

COVERAGE = 0.99
CONFIDENCE = 0.95


class Keeping(Struct, frozen=True):
    """How the values of one series keep to a bound.

    `observed` is the value nearest to the bound or furthest beyond it. `headroom_pct` is the room
    between it and the bound in per cent of the bound, negative beyond. Ten replicates out of ten
    within a bound show only that it is exceeded less than a quarter of the time, so the headroom
    says more than the count.
    """

    passed: int
    replicates: int
    observed: float
    headroom_pct: float

    @property
    def holds(self) -> bool:
        """Whether there were values and all of them were within the bound."""
        return 0 < self.replicates == self.passed


def keep_to(
    values: Sequence[float], *, upper_bound: float | None = None, lower_bound: float | None = None
) -> Keeping:
    """Hold every value against its bounds; of two bounds the one with less room is reported.

    A value that is no number is beyond any bound.
    """
    given = ((upper_bound, 1), (lower_bound, -1))
    found = [_keep_to(values, bound, sign) for bound, sign in given if bound is not None]
    unknown = Keeping(0, 0, math.nan, math.nan)
    return min(found, key=lambda one: (one.holds, one.headroom_pct), default=unknown)


def _keep_to(values: Sequence[float], bound: float, sign: int) -> Keeping:
    """Hold values against an upper bound (`sign` 1) or a lower one (-1)."""
    numbers = [math.inf if math.isnan(value) else sign * value for value in values]
    worst = max(numbers, default=math.nan)
    passed = sum(number <= sign * bound for number in numbers)
    return Keeping(passed, len(numbers), sign * worst, share(sign * bound - worst, bound))


def share(room: float, bound: float) -> float:
    """Return `room` in per cent of `bound`; of a bound of zero any room is infinitely much."""
    if bound == 0:
        return 0.0 if room == 0 else math.copysign(math.inf, room)
    return 100 * room / abs(bound)


def upper_tolerance_limit(values: Sequence[float]) -> float:
    """Return the limit below which, with 95 % confidence, 99 % of further replicates will lie.

    The one-sided tolerance limit of a normal distribution, taken on logs: mean + k s, where k
    comes from the noncentral t distribution. Values without spread are their own limit.

    Args:
        values: One positive value per replicate; at least two, unless they are known to be exact.

    Raises:
        MeasurementInvalid: There is no value, or one that has no logarithm.

    Source:
        NIST/SEMATECH e-Handbook of Statistical Methods, section 7.2.6.3.
    """
    if not values or min(values) <= 0:
        raise MeasurementInvalid(
            "a bound cannot be proposed from nothing, nor from values that are not positive",
            remedy="measure first; write a bound of zero by hand",
        )
    if min(values) == max(values):
        return float(values[0])
    logs = np.log(np.asarray(values, float))
    root = math.sqrt(logs.size)
    offset = scipy.stats.norm.ppf(COVERAGE) * root
    reach = scipy.stats.nct.ppf(CONFIDENCE, logs.size - 1, offset) / root
    return float(np.exp(logs.mean() + reach * logs.std(ddof=1)))
