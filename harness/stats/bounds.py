"""Is every replicate within its bound, and how much room is left?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BoundResult:
    """How the values of one metric keep to a bound.

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


def check_upper(values: Sequence[float], bound: float) -> BoundResult:
    """Hold every value against an upper bound; a value that is no number is beyond any bound."""
    numbers = [math.inf if math.isnan(value) else value for value in values]
    observed = max(numbers, default=math.nan)
    passed = sum(value <= bound for value in numbers)
    return BoundResult(passed, len(numbers), observed, _share(bound - observed, bound))


def check_lower(values: Sequence[float], bound: float) -> BoundResult:
    """Hold every value against a lower bound; a value that is no number is beyond any bound."""
    numbers = [-math.inf if math.isnan(value) else value for value in values]
    observed = min(numbers, default=math.nan)
    passed = sum(value >= bound for value in numbers)
    return BoundResult(passed, len(numbers), observed, _share(observed - bound, bound))


def _share(room: float, bound: float) -> float:
    if bound == 0:
        return 0.0 if room == 0 else math.copysign(math.inf, room)
    return 100 * room / abs(bound)
