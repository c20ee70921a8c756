"""The measurements of runs as one table: what every export is made from."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator
from typing import Any

import pandas as pd

from harness.errors import ConfigError
from harness.stats.frames import Frames, succeeded
from harness.stats.metrics import Metrics
from harness.text import counted

CASE = ["binary", "source", "arm"]
COLUMNS = [
    *("run_id", "started_at", "commit", "binary", "binary_sha256", "source", "arm", "probe"),
    *("replicate", "metric", "unit", "value"),
]
"""What is told of each value; `exact` and `better`, which are of its metric, are beside them."""


def measurements_of(frames: Frames) -> pd.DataFrame:
    """Return one row for each value of a successful replicate; failures give none.

    Of every attempt under a memory limit there are the limit, under the name of what became of it,
    the time, and the peak where that was told; its number stands for the replicate.
    """
    tried = pd.DataFrame(list(_iter_attempts(frames)))
    good, manifest = pd.concat([succeeded(frames.samples), tried]), frames.manifest
    declared = [frames.metrics[str(metric)] for metric in good["metric"]]
    table = good.assign(
        started_at=manifest.started_at,
        commit=manifest.commit,
        exact=[metric.exact for metric in declared],
        better=[metric.better for metric in declared],
    )
    ordered = table.sort_values([*CASE, "probe", "metric", "replicate"], kind="stable")
    return ordered[[*COLUMNS, "exact", "better"]]


def _iter_attempts(frames: Frames) -> Iterator[dict[Hashable, Any]]:
    for row in frames.attempts.to_dict("records"):
        named: tuple[tuple[str, str, Any], ...] = (
            (f"{row['outcome']}_at_{row['backend']}", "byte", row["limit_bytes"] or None),
            ("attempt_wall", "second", row["wall_s"]),
            ("attempt_peak", "byte", row["peak_bytes"]),
        )
        for metric, unit, value in named:
            if not pd.isna(value):
                yield row | {"metric": metric, "unit": unit, "value": float(value)}


def iter_remarks(runs: Iterable[Frames]) -> Iterator[str]:
    """Yield what is wrong with runs, and what of them is left out because it failed."""
    for run in runs:
        yield from (f"warning: {warning}" for warning in run.warnings)
        if run.manifest.unfinished:
            yield f"warning: {run.path}: {run.manifest.unfinished}"
        failed = run.failures["status"]
        if len(failed):
            kinds = ", ".join(f"{count} {kind}" for kind, count in failed.value_counts().items())
            count = counted(len(failed), "replicate")
            yield f"left out: {count} of {run.path} that failed ({kinds})"


def tracked(table: pd.DataFrame, metrics: Metrics, names: Collection[str] = ()) -> pd.DataFrame:
    """Return the values of some metrics, each from the one probe whose values count.

    Without `names`, of all that are compared.

    Raises:
        ConfigError: A metric comes from several probes, each of which distorts it.
    """
    wanted = table[table["metric"].isin(list(names or metrics.compared))]
    probes = {
        metric: metrics.probe(str(metric)) or _one_probe(str(metric), found)
        for metric, found in wanted.groupby("metric")["probe"].unique().items()
    }
    return wanted[wanted["probe"] == wanted["metric"].map(probes)]


def _one_probe(metric: str, probes: Collection[str]) -> str:
    if len(probes) > 1:
        raise ConfigError(
            f"{metric} was taken by {' and '.join(sorted(probes))}, and the values differ by probe",
            remedy="export it as csv or parquet, which name the probe",
        )
    return str(next(iter(probes)))


def iter_series(table: pd.DataFrame) -> Iterator[tuple[str, str, str, list[float]]]:
    """Yield the replicates of each case and metric together: case, metric, unit and values.

    A case is named `binary/source/arm`: binaries may hold slashes, the other two do not.
    """
    for (*case, metric, unit), values in table.groupby([*CASE, "metric", "unit"])["value"]:
        yield "/".join(case), metric, unit, values.tolist()


def plain(value: float) -> int | float:
    """Return a whole number as one: bytes are exact, and `4096.0` would not say so."""
    return int(value) if value.is_integer() else value


_UNITS = {"byte": "bytes", "second": "sec", "count": ""}


def measure_name(metric: str, unit: str) -> str:
    """Return a metric with its unit as one word: `heap-peak-memray-bytes`.

    For formats without a place for the unit, or whose tools tell it by how the name ends.
    """
    words = [metric.replace("_", "-"), _UNITS.get(unit, unit.replace("_", "-"))]
    return "-".join(word for word in words if word)
