"""One run as tidy tables: what every statistic, plot and report is made from."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, get_type_hints

import pandas as pd
from msgspec import Struct, structs

from harness.records import (
    VERIFY,
    Attempt,
    Batch,
    Cell,
    Collection,
    Counters,
    HeapPoint,
    Holding,
    Job,
    Manifest,
    Record,
)
from harness.residency import contradiction
from harness.stats.metrics import Metrics

if TYPE_CHECKING:
    from harness.stats.summary import Summary

_DTYPES = {str: "str", int: "int64", bool: "bool", float: "float64"}
_UNKNOWN = Manifest()
_GROWTH = "rss_growth"
_CASE = ("run_id", "binary", "arm", "source")


def _columns(kind: type[Struct], *names: str) -> dict[str, str]:
    """Return the dtypes of some fields of a struct, or of all."""
    types = get_type_hints(kind)
    return {name: _DTYPES.get(types[name], "object") for name in names or types}


COLUMNS: dict[str, dict[str, str]] = {
    "samples": _columns(Job, *_CASE, "binary_sha256", "probe", "replicate", "order")
    | _columns(Record, "status", "randomised")
    | {"metric": "str", "unit": "str", "value": "float64"},
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
    attempts: pd.DataFrame

    @cached_property
    def metrics(self) -> Metrics:
        """What is declared of the metrics of this run."""
        return Metrics(self.manifest)

    @cached_property
    def summaries(self) -> dict[tuple[str, str, str], Summary]:
        """What `summarise` has made of these tables, by what it was asked."""
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


def tables_of(
    records: Sequence[Record],
    metrics: Metrics,
    wanted: Container[str] = frozenset(COLUMNS),
    sizes: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, pd.DataFrame]:
    """Return the tables that records make, with the columns and dtypes of `COLUMNS`.

    Args:
        records: In the order in which they were stored.
        metrics: What the probes declare of the values.
        wanted: The tables that get rows; the others stay empty.
        sizes: The bytes of each input, by its name.
    """
    tried = [record for record in records if record.attempt]
    records = list(_iter_confirmed([one for one in records if not one.attempt], metrics))
    first = _first_batches(records)
    outputs = {r.job.cell: r.counters.raw_bytes for r in records if r.job.call and r.counters}
    makers: dict[str, Callable[[Record], Iterable[_Row]]] = {
        "samples": lambda r: _samples(r, metrics),
        "batches": lambda r: _rows(r, r.batches if first.get(_key(r)) is r.batches else ()),
        "collections": lambda r: _rows(r, r.collections),
        "timeline": lambda r: _rows(r, r.timeline),
        "copies": lambda r: _copies(
            r,
            outputs.get(r.job.cell) or _largest_batch(first.get(_key(r), ())),
            sizes.get(r.job.binary, 0),
        ),
        "deliveries": _deliveries,
        "failures": lambda r: [] if r.status == "ok" else [_place(r)],
        "attempts": lambda r: _rows(r, [r.attempt] if r.attempt else ()),
    }
    return {
        name: _table(
            (
                row
                for record in (tried if name == "attempts" else records)
                for row in (makers[name](record) if name in wanted else ())
            ),
            columns,
        )
        for name, columns in COLUMNS.items()
    }


def _iter_confirmed(records: Sequence[Record], metrics: Metrics) -> Iterator[Record]:
    """Yield all records; a peak that the untraced processes of its cell contradict is invalid."""
    grown: dict[Cell, list[float]] = {}
    for record in records:
        growth = record.values.get(_GROWTH)  # noqa: PD011  no data frame
        if record.status == "ok" and growth is not None:
            grown.setdefault(record.job.cell, []).append(growth)
    for record in records:
        why = _contradiction(record, grown.get(record.job.cell, ()), metrics)
        yield structs.replace(record, status="invalid", detail=why) if why else record


def _contradiction(record: Record, grown: Sequence[float], metrics: Metrics) -> str:
    if record.status != "ok" or not grown:
        return ""
    found = (
        contradiction(name, value, max(grown), traced=False)
        for name, value in record.values.items()  # noqa: PD011  no data frame
        if metrics[name].complete
    )
    return next(filter(None, found), "")


_Row = dict[str, Any]


def _table(rows: Iterable[_Row], columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(columns)).astype(columns)


def _place(record: Record) -> _Row:
    """Return what a record and its job say by themselves, columns and more."""
    fields = ("status", "detail", "digest", "language", "skipped", "randomised")
    return structs.asdict(record.job) | {name: getattr(record, name) for name in fields}


def _rows(record: Record, parts: Iterable[Struct]) -> list[_Row]:
    place = _place(record)
    return [place | structs.asdict(part) for part in parts]


def _key(record: Record) -> tuple[str, str, str, int]:
    job = record.job
    return job.binary, job.arm, job.source, job.replicate


def _first_batches(records: Iterable[Record]) -> dict[tuple[str, str, str, int], list[Batch]]:
    """Return the batches of each replicate from the first probe that delivered any."""
    first: dict[tuple[str, str, str, int], list[Batch]] = {}
    for record in records:
        if record.status == "ok" and record.batches and record.job.probe != VERIFY:
            first.setdefault(_key(record), record.batches)
    return first


def _samples(record: Record, metrics: Metrics) -> list[_Row]:
    if record.status != "ok":
        return [_place(record) | {"metric": "", "unit": "", "value": None}]
    place = _place(record)
    return [
        place | {"metric": name, "unit": metrics[name].unit, "value": value}
        for name, value in record.values.items()  # noqa: PD011  no data frame
    ]


def _largest_batch(batches: Iterable[Batch]) -> int:
    return max((batch.raw_bytes for batch in batches), default=0)


def _copies(record: Record, output_bytes: int, input_bytes: int) -> Iterator[_Row]:
    for row in _rows(record, record.holdings):
        held = row["size_bytes"]
        yield row | {
            "bytes": held,
            "copies": held / output_bytes if output_bytes else 0.0,
            "inputs": held / input_bytes if input_bytes else 0.0,
        }


def _deliveries(record: Record) -> list[_Row]:
    if record.job.probe != VERIFY:
        return []
    return _rows(record, [record.counters or Counters()])


def succeeded(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the samples that are measurements: status `ok` and a finite value."""
    value = pd.to_numeric(samples["value"], errors="coerce").astype(float)
    usable = (samples["status"] == "ok") & value.notna() & (value.abs() != float("inf"))
    return samples.assign(value=value)[usable]


def of_case(table: pd.DataFrame, case: tuple[str, str]) -> pd.DataFrame:
    """Return the rows of one case, a binary and a source."""
    return table[(table["binary"] == case[0]) & (table["source"] == case[1])]


def _completed(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    if table.empty:
        table = table.astype(object)
    extra = [column for column in table.columns if column not in columns]
    return table.reindex(columns=[*columns, *extra])
