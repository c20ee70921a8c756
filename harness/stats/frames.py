"""One run as tidy tables: what every statistic, plot and report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd

_CASE = "run_id binary arm source"

COLUMNS: dict[str, list[str]] = {
    name: f"{_CASE} {own}".split()
    for name, own in {
        "samples": "binary_sha256 probe replicate order status metric unit value",
        "batches": "replicate batch_num scopes functions raw_bytes payload_bytes"
        " threshold_bytes overshoot_bytes final probe at_s",
        "collections": "replicate generation start_s duration_s heap_before_bytes"
        " heap_after_bytes collected uncollectable",
        "timeline": "probe replicate at_s heap_bytes generation",
        "copies": "replicate stage location bytes copies",
        "deliveries": "status digest packages scopes functions batches raw_bytes payload_bytes"
        " skipped",
        "failures": "probe replicate order status detail",
    }.items()
}
"""The columns that each table has at least, whatever it was loaded from."""

HISTORY = [
    *("binary", "source", "arm", "metric", "run_id", "name", "started_at", "unit", "exact"),
    *("level", "low", "high", "replicates", "step", "delta_pct", "reason"),
]
"""The columns of many runs side by side: one row for each metric of an experiment in a run.

Rows are in the order of the runs. `name` is the commit or, without one, the run. `step` is `shift`
where the level is another than before, `break` where that has the `reason` given, else empty.
"""


@dataclass(frozen=True, slots=True)
class Frames:
    """The tables of one run, each with all of its columns even when it has no rows.

    Nothing here is filtered: failed replicates are in `samples` with their status, and each
    statistic leaves them out by `succeeded`. `history` is about many runs, and empty in the tables
    of one.
    """

    manifest: Mapping[str, Any]
    samples: pd.DataFrame
    batches: pd.DataFrame
    collections: pd.DataFrame
    timeline: pd.DataFrame
    copies: pd.DataFrame
    deliveries: pd.DataFrame
    failures: pd.DataFrame
    history: pd.DataFrame

    @classmethod
    def build(cls, manifest: Mapping[str, Any], **tables: pd.DataFrame) -> Self:
        """Return frames made of `tables`; those not given are empty, columns not known are kept."""
        whole = {
            name: _completed(tables.get(name, pd.DataFrame()), columns)
            for name, columns in {**COLUMNS, "history": HISTORY}.items()
        }
        return cls(manifest=manifest, **whole)

    @classmethod
    def of(cls, run: Any) -> Self:
        """Return the tables of a loaded run, or of anything else that has them as attributes."""
        return cls.build(run.manifest, **{name: getattr(run, name) for name in COLUMNS})


def succeeded(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the samples that are measurements: status `ok` and a finite value."""
    value = pd.to_numeric(samples["value"], errors="coerce").astype(float)
    usable = (samples["status"] == "ok") & value.notna() & (value.abs() != float("inf"))
    return samples.assign(value=value)[usable]


def of_case(table: pd.DataFrame, case: tuple[str, str]) -> pd.DataFrame:
    """Return the rows of one case, a binary and a source."""
    return table[(table["binary"] == case[0]) & (table["source"] == case[1])]


def of_binary(frames: Frames, binary: str) -> Frames:
    """Return the rows of one binary, in every table."""
    tables = {name: getattr(frames, name) for name in COLUMNS}
    return Frames.build(
        frames.manifest,
        **{name: table[table["binary"] == binary] for name, table in tables.items()},
    )


def _completed(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    if table.empty:
        table = table.astype(object)
    extra = [column for column in table.columns if column not in columns]
    return table.reindex(columns=[*columns, *extra])
