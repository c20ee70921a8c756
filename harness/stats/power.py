"""What a comparison could have seen: the smallest change, and the replicates for a smaller one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from harness.stats.change import CONFIDENCE

POWER = 0.80
_MOST_REPLICATES = 10_000


def minimum_detectable_pct(baseline: Sequence[float], candidate: Sequence[float]) -> float | None:
    """Return the smallest increase, in per cent, that would have been seen four times out of five.

    None when either side has fewer than two positive values: then nothing is known of the noise.
    """
    variances = _log_variances(baseline, candidate)
    if variances is None:
        return None
    return _detectable_pct(variances, len(baseline), len(candidate))


def replicates_needed(
    baseline: Sequence[float], candidate: Sequence[float], effect_pct: float
) -> int | None:
    """Return how many replicates of each arm would make an increase of `effect_pct` visible.

    None when nothing is known of the noise, or when it would take more than anybody will wait for.
    """
    variances = _log_variances(baseline, candidate)
    if variances is None or effect_pct <= 0:
        return None
    low, high = 2, _MOST_REPLICATES
    if _detectable_pct(variances, high, high) > effect_pct:
        return None
    while low < high:
        middle = (low + high) // 2
        if _detectable_pct(variances, middle, middle) <= effect_pct:
            high = middle
        else:
            low = middle + 1
    return low


def _log_variances(
    baseline: Sequence[float], candidate: Sequence[float]
) -> tuple[float, float] | None:
    sides = (baseline, candidate)
    if min(map(len, sides)) < 2 or min(map(min, sides)) <= 0:
        return None
    old, new = (float(np.log(np.asarray(side, float)).var(ddof=1)) for side in sides)
    return old, new


def _detectable_pct(variances: tuple[float, float], old_n: int, new_n: int) -> float:
    """Return the effect at which Welch's test has the power we ask for.

    The power is taken from the central t distribution, which overstates the effect a little for
    few replicates: an honest direction to err in.
    """
    parts = (variances[0] / old_n, variances[1] / new_n)
    error = math.sqrt(sum(parts))
    if error == 0:
        return 0.0
    spread = parts[0] ** 2 / (old_n - 1) + parts[1] ** 2 / (new_n - 1)
    freedom = sum(parts) ** 2 / spread
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, freedom) + stats.t.ppf(POWER, freedom)
    return float(100 * math.expm1(min(reach * error, 700.0)))
