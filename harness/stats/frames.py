"""One run as tidy tables: what every statistic, plot and report is made from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, get_type_hints

import pandas as pd
from msgspec import Struct

from harness.records import (
    Attempt,
    Batch,
    Collection,
    Counters,
    HeapPoint,
    Holding,
    Job,
    Manifest,
    Record,
)
from harness.stats.metrics import Metrics

if TYPE_CHECKING:
    from harness.stats.summary import Summary

_DTYPES = {str: "str", int: "int64", bool: "bool", float: "float64"}
_UNKNOWN = Manifest()
_CASE = ("run_id", "binary", "arm", "source")


def _columns(kind: type[Struct], *names: str) -> dict[str, str]:
    """Return the dtypes of some fields of a struct, or of all."""
    types = get_type_hints(kind)
    return {name: _DTYPES.get(types[name], "object") for name in names or types}


_SAMPLES = (
    _columns(Job, *_CASE, "binary_sha256", "probe", "replicate", "order")
    | _columns(Record, "status", "randomised", "rig")
    | {"metric": "str", "unit": "str", "value": "float64"}
)
COLUMNS: dict[str, dict[str, str]] = {
    "samples": _SAMPLES,
    "batches": _columns(Job, *_CASE, "probe", "replicate") | _columns(Batch),
    "collections": _columns(Job, *_CASE, "replicate") | _columns(Collection),
    "timeline": _columns(Job, *_CASE, "probe", "replicate") | _columns(HeapPoint),
    "copies": _columns(Job, *_CASE, "replicate")
    | _columns(Holding, "stage", "location", "code")
    | {"bytes": "int64", "copies": "float64", "inputs": "float64"},
    "deliveries": _columns(Job, *_CASE)
    | _columns(Record, "status", "detail", "digest", "language", "skipped")
    | _columns(Counters),
    "failures": _columns(Job, *_CASE, "probe", "replicate", "order")
    | _columns(Record, "status", "detail"),
    "aside": _SAMPLES,
    "attempts": _columns(Job, *_CASE, "binary_sha256", "probe", "replicate", "order")
    | _columns(Record, "randomised", "detail")
    | _columns(Attempt),
}
"""The columns that each table has at least, with their dtypes.

- `samples`: one row per measured value, or per failed replicate, with an empty metric and unit and
  no value.
- `batches`: one row per flushed batch. Probes of the same replicate flush the same batches, so only
  those of the first are here; `probe` says which, and `at_s` is on its clock.
- `collections`: one row per run of the cyclic garbage collector, under probe `gc`.
- `timeline`: one row per moment, with the live heap then.
- `copies`: one row per source line that holds memory at the peak; `bytes` of a replicate sum to the
  peak, and `copies` is `bytes` over the raw JSON bytes of the replicate's largest batch, or over
  what a callable returned and wrote. `inputs` is `bytes` over the size of the input. Either is 0
  where that size is not known.
- `deliveries`: one row per unmeasured verification run, with what reached the intake.
- `failures`: one row per replicate that does not count, and why.
- `aside`: like `samples`, of the arms that are compared with none; beside it, only `failures` has
  them.
- `attempts`: one row per process under a memory limit. What these found, the smallest limit that is
  survived, is among the samples: one value for each time that both sides of the edge were tried.
"""


@dataclass(frozen=True, kw_only=True)
class Frames:
    """A loaded run: its manifest and its tables, each with all of its columns, rows or not.

    Nothing here is filtered: failed replicates are in `samples` with their status, and each
    statistic leaves them out by `succeeded`. A peak that the resident set of the untraced
    replicates contradicts, which no replicate can know alone, makes its own `invalid`. `warnings`
    says what is not as a clean run would leave it.
    """

    path: Path
    manifest: Manifest
    warnings: Sequence[str]
    samples: pd.DataFrame
    batches: pd.DataFrame
    collections: pd.DataFrame
    timeline: pd.DataFrame
    copies: pd.DataFrame
    deliveries: pd.DataFrame
    failures: pd.DataFrame
    aside: pd.DataFrame
    attempts: pd.DataFrame

    @cached_property
    def metrics(self) -> Metrics:
        """What is declared of the metrics of this run."""
        return Metrics(self.manifest)

    @cached_property
    def summaries(self) -> list[Summary]:
        """What `summarise` has made of these tables, once it has."""
        return []

    def of_binaries(self, names: set[str]) -> Self:
        """Return the same run with the rows of these binaries alone."""
        tables = {name: getattr(self, name) for name in COLUMNS}
        kept = {name: rows[rows["binary"].isin(names)] for name, rows in tables.items()}
        return replace(self, **kept)

    def of_case(self, table: str, binary: str, source: str) -> pd.DataFrame:
        """Return the rows of a table that are of one case; each table is grouped once.

        Whoever asks for thousands of cases would go through all rows for each of them. Kept is
        where the rows of each are: a table of its own for each case takes more than the rows.
        """
        rows: pd.DataFrame = getattr(self, table)
        if table not in self._cases:
            self._cases[table] = rows.groupby(["binary", "source"], sort=False).indices
        return rows.iloc[self._cases[table].get((binary, source), [])]

    def rows_of_case(self, table: str, binary: str, source: str) -> list[Any]:
        """Return the same rows with columns as attributes: what costs least for a few rows."""
        if table not in self._rows:
            self._rows[table] = rows_by_case(getattr(self, table))
        return self._rows[table].get((binary, source), [])

    @cached_property
    def _rows(self) -> dict[str, dict[tuple[str, str], list[Any]]]:
        return {}

    @cached_property
    def _cases(self) -> dict[str, dict[Any, Any]]:
        return {}

    @classmethod
    def build(
        cls,
        manifest: Manifest = _UNKNOWN,
        *,
        path: Path = Path(),
        warnings: Sequence[str] = (),
        **tables: pd.DataFrame,
    ) -> Self:
        """Return frames made of `tables`; those not given are empty, columns not known are kept."""
        whole = {
            name: _completed(tables.get(name, pd.DataFrame()), columns)
            for name, columns in COLUMNS.items()
        }
        return cls(path=path, manifest=manifest, warnings=warnings, **whole)


def succeeded(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the samples that are measurements: status `ok` and a finite value."""
    value = pd.to_numeric(samples["value"], errors="coerce").astype(float)
    usable = (samples["status"] == "ok") & value.notna() & (value.abs() != float("inf"))
    return samples.assign(value=value)[usable]


def rows_by_case(table: pd.DataFrame) -> dict[tuple[str, str], list[Any]]:
    """Return the rows of each binary and source, columns as attributes: a table each takes long."""
    found: dict[tuple[str, str], list[Any]] = {}
    for row in table.astype(object).itertuples(index=False):  # not string by string from Arrow
        found.setdefault((row.binary, row.source), []).append(row)
    return found


def _completed(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    if table.empty:
        table = table.astype(object)
    extra = [column for column in table.columns if column not in columns]
    return table.reindex(columns=[*columns, *extra])
