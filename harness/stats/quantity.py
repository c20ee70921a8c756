"""One metric over the replicates that measured it."""

from __future__ import annotations

import pandas as pd
from msgspec import Struct

from harness.errors import MeasurementInvalid
from harness.records import Cell
from harness.stats.frames import succeeded
from harness.stats.modes import MODES_FROM, modes_of


class Quantity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the successful replicates of one case say about one metric.

    `median`, `low` and `high` are in `unit`. It is `exact` when at least two replicates were taken
    and all of them agree to the last digit. Values of different metrics, probes or sources are
    never pooled: each probe perturbs what the others would have seen. Values that fall into groups
    have `modes`, the median of each.
    """

    probe: str
    metric: str
    unit: str
    replicates: int
    median: float
    low: float
    high: float
    exact: bool
    modes: tuple[float, ...] = ()

    @property
    def spread(self) -> float:
        """Largest minus smallest replicate."""
        return self.high - self.low


_KEY = ["binary", "source", "arm", "probe", "metric"]


def quantities_of(samples: pd.DataFrame) -> dict[Cell, tuple[Quantity, ...]]:
    """Return what was measured of each arm over each binary and source, by probe and metric.

    Replicates that failed, and values that are not finite numbers, count for nothing.

    Raises:
        MeasurementInvalid: One metric comes in two units.
    """
    good = succeeded(samples)
    units = _units(good)
    many = good.groupby(_KEY)["value"]
    values = many.agg(["count", "median", "min", "max"])
    found: dict[Cell, list[Quantity]] = {}
    for key, count, median, low, high in values.itertuples(name=None):
        *case, probe, metric = map(str, key)
        quantity = Quantity(
            probe=probe,
            metric=metric,
            unit=units[key],
            replicates=int(count),
            median=float(median),
            low=float(low),
            high=float(high),
            exact=count > 1 and low == high,
            modes=(
                modes_of(many.get_group(key))
                if count >= MODES_FROM and units[key] == "byte"  # counts are groups by themselves
                else ()
            ),
        )
        found.setdefault((case[0], case[1], case[2]), []).append(quantity)
    return {case: tuple(quantities) for case, quantities in found.items()}


def _units(samples: pd.DataFrame) -> dict[tuple[str, ...], str]:
    distinct = samples[[*_KEY, "unit"]].drop_duplicates()
    mixed = distinct[distinct.duplicated(_KEY, keep=False)]
    if len(mixed):
        metric = mixed["metric"].iloc[0]
        both = ", ".join(sorted(set(mixed.loc[mixed["metric"] == metric, "unit"])))
        raise MeasurementInvalid(
            f"metric {metric!r} comes in more than one unit: {both}",
            remedy="runs of different formats were mixed; load them one at a time",
        )
    return {
        (*key,): unit for *key, unit in distinct.astype(object).itertuples(index=False, name=None)
    }


def worst_values(samples: pd.DataFrame) -> dict[tuple[str, ...], float]:
    """Return the largest value of all successful replicates, by binary, source, arm and metric."""
    cases = succeeded(samples).groupby(["binary", "source", "arm", "metric"])
    worst: dict[tuple[str, ...], float] = cases["value"].max().to_dict()  # no values of numpy
    return worst


def replicate_values(samples: pd.DataFrame) -> dict[tuple[str, ...], list[float]]:
    """Return the values of all successful replicates, in their order.

    The keys are binary, source, arm, probe and metric.
    """
    good = succeeded(samples).sort_values(["replicate", "order"], kind="stable")
    return values_by(good, _KEY)


def values_by(rows: pd.DataFrame, columns: list[str]) -> dict[tuple[str, ...], list[float]]:
    """Return the values of all rows that have the same in some columns, in their order."""
    values: dict[tuple[str, ...], list[float]] = {}
    return values if rows.empty else rows.groupby(columns)["value"].agg(list).to_dict()
