"""How many times as much the candidate took as the baseline, and how sure that is."""

from __future__ import annotations

import math

import pandas as pd
from msgspec import Struct

from harness.stats.change import estimate_change
from harness.stats.frames import succeeded
from harness.stats.quantity import values_by

BARE = "bare"
"""The probe whose processes no instrument slowed."""

Interval = tuple[float, float]
"""Its two ends."""


class Ratio(Struct, frozen=True):
    """Candidate over baseline, of geometric means, with its 90 % interval.

    Without an interval nothing is known of the spread: one arm has a single replicate, or those of
    each arm agree, as two may by chance. One without any width means that all of both agree.
    """

    value: float | None = None
    interval: Interval | None = None


def bare_ratios(
    samples: pd.DataFrame, arms: tuple[str, str], metrics: tuple[str, ...]
) -> dict[tuple[str, ...], Ratio]:
    """Return the ratio of each binary, source and metric that both arms have positive values of."""
    good = succeeded(samples)
    chosen = good[(good["probe"] == BARE) & good["metric"].isin(metrics)]
    values = values_by(chosen, ["binary", "source", "metric", "arm"])
    cases = {key[:-1] for key in values}
    baseline, candidate = arms
    sides = (
        (case, values.get((*case, baseline), []), values.get((*case, candidate), []))
        for case in cases
    )
    return {
        case: _ratio(old, new) for case, old, new in sides if old and new and min(old + new) > 0
    }


def _ratio(old: list[float], new: list[float]) -> Ratio:
    change = estimate_change(old, new, exact=False)
    low, value, high = (
        1 + end / 100 for end in (change.low_pct, change.delta_pct, change.high_pct)
    )
    return Ratio(value, (low, high) if math.isfinite(high) else None)
