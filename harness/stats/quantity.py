"""One metric over the replicates that measured it."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from msgspec import Struct

from harness.errors import MeasurementInvalid
from harness.stats.frames import succeeded


class Quantity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the successful replicates of one case say about one metric.

    `median`, `low` and `high` are in `unit`. It is `exact` when at least two replicates were taken
    and all of them agree to the last digit. Values of different metrics, probes or sources are
    never pooled: each probe perturbs what the others would have seen.
    """

    probe: str
    metric: str
    unit: str
    replicates: int
    median: float
    low: float
    high: float
    exact: bool

    @property
    def spread(self) -> float:
        """Largest minus smallest replicate."""
        return self.high - self.low


def iter_quantities(samples: pd.DataFrame) -> Iterator[Quantity]:
    """Yield one quantity for each probe and metric of one binary, arm and source.

    Replicates that failed, and values that are not finite numbers, count for nothing.

    Raises:
        MeasurementInvalid: One metric comes in two units.
    """
    for (probe, metric), group in succeeded(samples).groupby(["probe", "metric"], sort=True):
        low, high = float(group["value"].min()), float(group["value"].max())
        yield Quantity(
            probe=str(probe),
            metric=str(metric),
            unit=_one_unit(str(metric), group),
            replicates=len(group),
            median=float(group["value"].median()),
            low=low,
            high=high,
            exact=len(group) > 1 and low == high,
        )


def _one_unit(metric: str, group: pd.DataFrame) -> str:
    units = sorted({str(unit) for unit in group["unit"]})
    if len(units) != 1:
        raise MeasurementInvalid(
            f"metric {metric!r} comes in more than one unit: {', '.join(units)}",
            remedy="runs of different formats were mixed; load them one at a time",
        )
    return units[0]


Place = tuple[str, str, str, str, str]
"""Binary, source, arm, probe and metric."""


def replicate_values(samples: pd.DataFrame) -> dict[Place, list[float]]:
    """Return the values of all successful replicates, in the order of the replicates."""
    good = succeeded(samples).sort_values(["replicate", "order"], kind="stable")
    if good.empty:
        return {}
    grouped = good.groupby(["binary", "source", "arm", "probe", "metric"])["value"].agg(list)
    return {
        (str(binary), str(source), str(arm), str(probe), str(metric)): list(map(float, values))
        for (binary, source, arm, probe, metric), values in grouped.items()
    }
