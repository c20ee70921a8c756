"""How far replicates of one measurement lie from each other, metric by metric."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import fmean

import pandas as pd
import scipy
from msgspec import Struct

from harness.records import Metric
from harness.stats.change import CONFIDENCE
from harness.stats.frames import Frames, succeeded
from harness.stats.quantity import values_by


class Scatter(Struct, frozen=True):
    """The replicates of one metric in one arm, relative to the mean of their own cell.

    A cell is one binary under one source. `deviations_pct` has one value per replicate, of the
    `cells` with two or more; in `exact_cells` of those all agree to the last digit. `single_cells`
    have one replicate, so nobody knows. `reach_pct` is how far from its cell's mean one more
    replicate lies with 90 % confidence, from the spread pooled over cells; None without any.
    """

    metric: str
    probe: str
    arm: str
    deviations_pct: tuple[float, ...]
    cells: int
    exact_cells: int
    single_cells: int
    reach_pct: float | None


def scatters(frames: Frames) -> list[Scatter]:
    """Return one scatter for each compared metric and arm that has a measurement, in their order.

    Only the probe that declares a metric counts for it.
    """
    good = succeeded(frames.samples)
    return [
        _scatter(frames.metrics[metric], str(arm), rows)
        for metric in frames.metrics.compared
        for arm, rows in good[
            (good["metric"] == metric) & (good["probe"] == frames.metrics.probe(metric))
        ].groupby("arm")
    ]


def _scatter(metric: Metric, arm: str, rows: pd.DataFrame) -> Scatter:
    cells = values_by(rows, ["binary", "source", "arm"]).values()
    repeated = [
        values
        for values in cells
        if len(values) > 1 and (fmean(values) > 0 or (metric.zero_allowed and not any(values)))
    ]
    deviations = [value for values in repeated for value in _iter_deviations(values)]
    return Scatter(
        metric=metric.name,
        probe=str(rows["probe"].iloc[0]),
        arm=arm,
        deviations_pct=tuple(deviations),
        cells=len(repeated),
        exact_cells=sum(min(values) == max(values) for values in repeated),
        single_cells=sum(len(values) == 1 for values in cells),
        reach_pct=_reach(deviations, len(repeated)),
    )


def _iter_deviations(values: Sequence[float]) -> Iterator[float]:
    if min(values) == max(values):  # their computed mean may differ in the last digit
        yield from [0.0] * len(values)
    else:
        mean = fmean(values)
        yield from (100 * (value / mean - 1) for value in values)


def _reach(deviations: list[float], cells: int) -> float | None:
    """Return the half width of the interval for one replicate; each cell's mean costs a degree."""
    freedom = len(deviations) - cells
    if freedom < 1:
        return None
    spread = math.sqrt(sum(value**2 for value in deviations) / freedom)
    return float(scipy.special.stdtrit(freedom, (1 + CONFIDENCE) / 2)) * spread
