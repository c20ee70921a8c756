"""Propose a bound from measurements, instead of by feel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from harness.errors import MeasurementInvalid

COVERAGE = 0.99
CONFIDENCE = 0.95


def upper_tolerance_limit(values: Sequence[float]) -> float:
    """Return the limit below which, with 95 % confidence, 99 % of further replicates will lie.

    The one-sided tolerance limit of a normal distribution, taken on logs: mean + k s, where k
    comes from the noncentral t distribution. Values without spread are their own limit.

    Args:
        values: One positive value a replicate; two at least, unless they are known to be exact.

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
    reach = stats.nct.ppf(CONFIDENCE, logs.size - 1, stats.norm.ppf(COVERAGE) * root) / root
    return float(np.exp(logs.mean() + reach * logs.std(ddof=1)))
