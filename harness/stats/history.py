"""When did a metric change? Over many runs: where its level shifts, and where it could not stay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

import numpy as np
import ruptures
from numpy.typing import NDArray
from scipy import stats

from harness.stats.change import arithmetic_change

LEAST_POINTS = 6  # of a noisy metric: fewer say nothing of its noise
_LEAST_SEGMENT = 2  # a single odd run is an outlier, not a new level
_PENALTY = 2.5  # of one more shift, in standard deviations times log n


@dataclass(frozen=True, slots=True)
class Point:
    """One metric in one run: `label` names the run or its commit, `level` is its mean.

    `environment` is what changes numbers without any change of ours: Python's and the
    instrument's versions. Where it changes, a break is declared.
    """

    label: str
    level: float
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of level: `label` is the first run on the new one, `since` the last on the old.

    `declared` shifts go with a change of environment and are nobody's regression.
    """

    since: str
    label: str
    delta_pct: float
    declared: bool = False


def find_shifts(points: Sequence[Point], *, exact: bool) -> list[Shift]:
    """Return the shifts of a metric over runs in order, oldest first.

    An exact metric shifts wherever its value differs from the one before. Any other is cut into
    segments of constant level by PELT, within each stretch of one environment; what happens
    where the environment changes is always a declared break.
    """
    stretches = (list(group) for _, group in groupby(points, key=lambda p: p.environment))
    cut = _exact_segments if exact else _noisy_segments
    segments = [segment for stretch in stretches for segment in cut(stretch)]
    return [_shift(old, new) for old, new in pairwise(segments)]


def _exact_segments(points: Sequence[Point]) -> list[list[Point]]:
    return [list(group) for _, group in groupby(points, key=lambda point: point.level)]


def _noisy_segments(points: Sequence[Point]) -> list[list[Point]]:
    """Cut where the cost of another level is less than what it explains.

    Absolute deviations, because squared ones make a level of every outlier. Simulated with noise
    of 2 % over 20 and 60 runs: a shift is seen in 2.3 % and 0 % of series without one, and one of
    8 % is found at its run or beside it, and nothing else, in 98 % and 99.5 %.
    """
    if len(points) < LEAST_POINTS or min(point.level for point in points) <= 0:
        return [list(points)]
    logs = np.log([point.level for point in points])
    noise = _noise(logs)
    if noise == 0:
        return _exact_segments(points)
    search = ruptures.Pelt(model="l1", min_size=_LEAST_SEGMENT, jump=1).fit(logs)
    ends = search.predict(pen=_PENALTY * noise * math.log(len(points)))
    return [list(points[start:end]) for start, end in pairwise([0, *ends])]


def _noise(logs: NDArray[np.float64]) -> float:
    """Estimate the noise from differences of neighbours, which a few shifts leave alone."""
    deviation = stats.median_abs_deviation(np.diff(logs), scale="normal")
    return float(deviation) / math.sqrt(2)


def _shift(old: Sequence[Point], new: Sequence[Point]) -> Shift:
    return Shift(
        since=old[-1].label,
        label=new[0].label,
        delta_pct=arithmetic_change(*(median(p.level for p in side) for side in (old, new))),
        declared=old[-1].environment != new[0].environment,
    )
