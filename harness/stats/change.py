"""By how much did a metric change, how sure is that, and what could have been seen?

Arithmetic where it can be, else Welch.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Sequence
from functools import cache
from itertools import combinations

import numpy as np
import scipy
from msgspec import Struct
from numpy.typing import NDArray

CONFIDENCE = 0.90
POWER = 0.80
_MOST_REPLICATES = 10_000
_RESAMPLES = 9_999
_LARGEST_LOG = 700.0  # the exponential of a little more does not fit a float
_SEED = 0  # of the permutation test, so that a report repeats to the digit

Floats = NDArray[np.float64]


class Change(Struct, frozen=True):
    """The change from baseline to candidate in per cent of the baseline, with its 90 % interval.

    `exact` changes are arithmetic on values without any spread: the interval is the change and
    there is no p-value. With fewer than two replicates a noisy metric has no interval: its ends
    are infinite.
    """

    delta_pct: float
    low_pct: float
    high_pct: float
    exact: bool
    p_value: float | None = None


def estimate_change(
    baseline: Sequence[float], candidate: Sequence[float], *, exact: bool
) -> Change:
    """Estimate the change of a metric's mean.

    Args:
        baseline: One value a replicate; at least one, all finite and not negative.
        candidate: Likewise, in the same unit.
        exact: Whether values that agree are known to be all that there are. Else a difference
            between two that agree may be one of two modes, and has no interval.

    Returns:
        The change of the geometric mean, exp(mean log B - mean log A) - 1, with an interval by
        Welch's t on logs: over n = 10 + 10 it covers 0.90 to 0.94 of a nominal 0.90, where the
        percentile bootstrap covers 0.71 to 0.87.
    """
    old, new = np.asarray(baseline, float), np.asarray(candidate, float)
    if _constant(old) and _constant(new):
        delta = arithmetic_change(float(old[0]), float(new[0]))
        if exact or (delta == 0 and min(old.size, new.size) > 1):
            return Change(delta, delta, delta, exact=True)
        return Change(delta, -math.inf, math.inf, exact=False)
    if min(old.min(), new.min()) <= 0:
        return Change(math.nan, -math.inf, math.inf, exact=False)
    return _welch(np.log(old), np.log(new))


def arithmetic_change(old: float, new: float) -> float:
    """Return the change from `old` to `new` in per cent; infinite from nothing to something."""
    if old == new:
        return 0.0
    return math.inf if old == 0 else 100 * (new - old) / old


def permutation_p(baseline: Sequence[float], candidate: Sequence[float]) -> float | None:
    """Return a p-value that rests on no distribution, to stand beside Welch's; None without logs.

    It is for readers and enters no verdict.
    """
    sides = [np.sort(np.asarray(side, float)) for side in (candidate, baseline)]
    if min(side.size for side in sides) < 2 or min(side[0] for side in sides) <= 0:
        return None
    logs = [np.log(side) for side in sides]
    if math.comb(logs[0].size + logs[1].size, logs[0].size) <= _RESAMPLES:
        return _exact_permutation_p(*logs)
    result = scipy.stats.permutation_test(
        logs,
        lambda new, old, axis: new.mean(axis=axis) - old.mean(axis=axis),
        vectorized=True,
        n_resamples=_RESAMPLES,
        rng=np.random.default_rng(_SEED),
    )
    return float(result.pvalue)


def _exact_permutation_p(new: Floats, old: Floats) -> float:
    """Count the splits as `scipy.stats.permutation_test` does, at a tenth of what that takes.

    Means differ as sums of one side do. Sums of the same values in another order are the same.
    """
    pooled = np.concatenate([new, old])
    sums, seen = pooled[_splits(pooled.size, new.size)].sum(axis=1), new.sum()
    same = 64 * np.finfo(float).eps * np.abs(pooled).sum()
    less, more = (sums <= seen + same).mean(), (sums >= seen - same).mean()
    return float(min(1.0, 2 * min(less, more)))


@cache
def _splits(size: int, count: int) -> NDArray[np.intp]:
    """Return every choice of `count` places out of `size`, a row each."""
    return np.array(list(combinations(range(size), count)), np.intp)


def coefficient_of_variation(values: Sequence[float]) -> float:
    """Return the sample standard deviation over the mean; 0 for fewer than two values.

    Where the mean is zero there is none: it is no number.
    """
    if len(values) < 2:
        return 0.0
    if min(values) == max(values):  # as most are that anybody asks about
        return 0.0 if values[0] else math.nan
    numbers = np.asarray(values, float)
    mean = float(numbers.mean())
    return float(numbers.std(ddof=1)) / mean if mean else math.nan


def finite(number: float) -> float | None:
    """Return a number that JSON can hold, or None."""
    return number if math.isfinite(number) else None


def _welch(old: Floats, new: Floats) -> Change:
    """Do as `scipy.stats.ttest_ind` does, which takes longer to import than a report to write."""
    delta = float(new.mean() - old.mean())
    if min(old.size, new.size) < 2:
        return Change(_percent(delta), -math.inf, math.inf, exact=False)
    error, freedom = _standard_error(
        (float(old.var(ddof=1)), float(new.var(ddof=1))), old.size, new.size
    )
    if error == 0:  # neither has any spread that a logarithm can hold
        return Change(_percent(delta), _percent(delta), _percent(delta), exact=True)
    reach = float(scipy.special.stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    return Change(
        delta_pct=_percent(delta),
        low_pct=_percent(delta - reach),
        high_pct=_percent(delta + reach),
        exact=False,
        p_value=2 * float(scipy.special.stdtr(freedom, -abs(delta) / error)),
    )


def _constant(values: Floats) -> bool:
    return bool((values == values[0]).all())


def _percent(log_ratio: float) -> float:
    return 100 * math.expm1(min(log_ratio, _LARGEST_LOG))


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
    return None if variances is None else _replicates_needed(variances, effect_pct)


def replicates_at(variation_pct: float, effect_pct: float) -> int | None:
    """Return how many replicates of each arm make an increase visible in noise of that size."""
    variance = math.log1p(variation_pct / 100) ** 2
    return _replicates_needed((variance, variance), effect_pct)


def tolerable_variation_pct(replicates: int, effect_pct: float) -> float:
    """Return the noise in which so many replicates still show an increase; 0 for none."""
    if replicates < 2:
        return 0.0
    error, freedom = _standard_error((1.0, 1.0), replicates, replicates)
    return _percent(math.log1p(effect_pct / 100) / (error * _reach(freedom)))


def _replicates_needed(variances: tuple[float, float], effect_pct: float) -> int | None:
    if effect_pct <= 0:
        return None
    counts = range(2, _MOST_REPLICATES + 1)
    at = bisect(counts, False, key=lambda n: _detectable_pct(variances, n, n) <= effect_pct)
    return counts[at] if at < len(counts) else None


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
    error, freedom = _standard_error(variances, old_n, new_n)
    if error == 0:
        return 0.0
    return _percent(_reach(freedom) * error)


def _reach(freedom: float) -> float:
    """Return how many standard errors an effect has to be away to be seen so often."""
    return float(
        scipy.special.stdtrit(freedom, (1 + CONFIDENCE) / 2) + scipy.special.stdtrit(freedom, POWER)
    )


def _standard_error(variances: tuple[float, float], old_n: int, new_n: int) -> tuple[float, float]:
    """Return the error of a difference of means, and its degrees of freedom after Welch."""
    parts = (variances[0] / old_n, variances[1] / new_n)
    if sum(parts) == 0:
        return 0.0, math.inf
    spread = parts[0] ** 2 / (old_n - 1) + parts[1] ** 2 / (new_n - 1)
    return math.sqrt(sum(parts)), sum(parts) ** 2 / spread
