"""Records as rows of tables: one pass, tuples only, so that a hundred thousand records fit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Any

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
    Job,
    Record,
)
from harness.residency import contradiction
from harness.stats.frames import COLUMNS
from harness.stats.metrics import Metrics

_GROWTH, _OF_FILES = "rss_growth", "file_growth"

_Cells = tuple[Any, ...]
_Growth = tuple[float, float]


def tables_of(
    records: Iterable[Record],
    metrics: Metrics,
    wanted: Container[str] = frozenset(COLUMNS),
    sizes: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, pd.DataFrame]:
    """Return the tables that records make, with the columns and dtypes of `COLUMNS`.

    Args:
        records: In the order in which they were stored; they are gone through twice.
        metrics: What the probes declare of the values.
        wanted: The tables that get rows; the others stay empty.
        sizes: The bytes of each input, by its name.
    """
    known = _known_of(records, metrics)
    makers: dict[str, Callable[[Record], Iterable[_Cells]]] = {
        "samples": lambda r: _samples(r, metrics),
        "batches": lambda r: _cells(r.batches if known.is_first(r) else ()),
        "collections": lambda r: _cells(r.collections),
        "timeline": lambda r: _cells(r.timeline),
        "copies": lambda r: _copies(r, known.output_bytes(r), sizes.get(r.job.binary, 0)),
        "deliveries": lambda r: _cells([r.counters or Counters()] if r.job.probe == VERIFY else ()),
        "failures": lambda r: [()] if r.status != "ok" else (),
    }
    rows: dict[str, list[_Cells]] = {name: [] for name in COLUMNS}
    asked = [(rows[name], _PLACES[name], makers[name]) for name in makers if name in wanted]
    set_aside = [
        (rows[name], _PLACES[name], makers[maker])
        for name, maker in (("aside", "samples"), ("failures", "failures"))
        if name in wanted
    ]
    for record in records:
        if record.attempt is not None:
            place = _PLACES["attempts"](record)
            rows["attempts"] += (place + cells for cells in _cells([record.attempt]))
            continue
        confirmed = _confirmed(record, metrics, known.growth)
        for table, place_of, make in set_aside if record.job.aside else asked:
            place = tuple(map(_once, place_of(confirmed)))
            table.extend(place + cells for cells in make(confirmed))
    return {name: _table(rows.pop(name), columns) for name, columns in COLUMNS.items()}


def _once(cell: Any) -> Any:
    """Return the same text for all that are equal: every record was read with its own."""
    return sys.intern(cell) if type(cell) is str else cell


def _table(rows: list[_Cells], columns: Mapping[str, str]) -> pd.DataFrame:
    with pd.option_context("mode.string_storage", "python"):  # Arrow's are slow by a few at a time
        return pd.DataFrame(rows, columns=list(columns)).astype(dict(columns))


def _cells(parts: Iterable[Struct]) -> Iterable[_Cells]:
    return map(structs.astuple, parts)


def _place_of(columns: Iterable[str]) -> Callable[[Record], _Cells]:
    """Return what takes the columns from a record that it and its job say by themselves."""
    own = Job.__struct_fields__
    return attrgetter(*(f"job.{name}" if name in own else name for name in columns))


_PARTS: dict[str, type[Struct] | int] = {
    "samples": 3,
    "batches": Batch,
    "collections": Collection,
    "timeline": HeapPoint,
    "copies": 6,
    "deliveries": Counters,
    "failures": 0,
    "aside": 3,
    "attempts": Attempt,
}
"""What follows the place in a row: the fields of a part of the record, or so many cells."""

_PLACES = {
    name: _place_of(
        list(COLUMNS[name])[: -parts or None]
        if isinstance(parts, int)
        else list(COLUMNS[name])[: -len(parts.__struct_fields__)]
    )
    for name, parts in _PARTS.items()
}


class _Known(Struct, frozen=True):
    """What has to be known of all records before any of them is a row.

    By cell, `growth` is how far the resident set of each untraced process rose, with and without
    pages of files, and `outputs` what a callable returned and wrote. By cell and replicate, `first`
    is the probe and the order of the first record with batches, and the JSON of the largest.
    """

    growth: dict[Cell, list[_Growth]] = {}
    outputs: dict[Cell, int] = {}
    first: dict[tuple[Cell, int], tuple[str, int, int]] = {}

    def is_first(self, record: Record) -> bool:
        """Tell whether the batches of a record are those of its replicate."""
        job = record.job
        return self.first.get((job.cell, job.replicate), ())[:2] == (job.probe, job.order)

    def output_bytes(self, record: Record) -> int:
        """Return the size of what a copy at a peak is a copy of; 0 where it is not known."""
        job = record.job
        *_, largest = self.first.get((job.cell, job.replicate), (0,))
        return self.outputs.get(job.cell) or largest


def _known_of(records: Iterable[Record], metrics: Metrics) -> _Known:
    known = _Known({}, {}, {})
    flushed: list[tuple[Cell, int, tuple[str, int, int], dict[str, float]]] = []
    for record in records:
        job = record.job
        if record.attempt is not None:
            continue
        cell: Cell = tuple(map(_once, job.cell))
        if job.call and record.counters:
            known.outputs[cell] = record.counters.raw_bytes
        if record.status != "ok":
            continue
        growth = record.values.get(_GROWTH)  # noqa: PD011  no data frame
        if growth is not None:
            unbacked = growth - record.values.get(_OF_FILES, 0.0)  # noqa: PD011  likewise
            known.growth.setdefault(cell, []).append((growth, unbacked))
        if record.batches and job.probe != VERIFY:
            largest = max(batch.raw_bytes for batch in record.batches)
            values = record.values.items()  # noqa: PD011  likewise
            complete = {name: value for name, value in values if metrics[name].complete}
            first = _once(job.probe), job.order, largest
            flushed.append((cell, job.replicate, first, complete))
    for cell, replicate, first, complete in flushed:
        if not _contradiction(complete, known.growth.get(cell, ()), metrics):
            known.first.setdefault((cell, replicate), first)
    return known


def _confirmed(
    record: Record, metrics: Metrics, growth: Mapping[Cell, Sequence[_Growth]]
) -> Record:
    """Return the record; a peak that the untraced processes of its cell contradict is invalid."""
    if record.status != "ok":
        return record
    why = _contradiction(record.values, growth.get(record.job.cell, ()), metrics)
    return structs.replace(record, status="invalid", detail=why) if why else record


def _contradiction(values: Mapping[str, float], grown: Sequence[_Growth], metrics: Metrics) -> str:
    """Return why a peak cannot be true of a process whose like grew so far; empty if it can."""
    if not grown:
        return ""
    most, unbacked = map(max, zip(*grown, strict=True))
    found = (
        contradiction(name, value, most, unbacked_bytes=unbacked)
        for name, value in values.items()
        if metrics[name].complete
    )
    return next(filter(None, found), "")


def _samples(record: Record, metrics: Metrics) -> Iterable[_Cells]:
    if record.status != "ok":
        return [("", "", None)]
    values = record.values.items()  # noqa: PD011  no data frame
    return [(name, metrics[name].unit, value) for name, value in values]


def _copies(record: Record, output_bytes: int, input_bytes: int) -> Iterator[_Cells]:
    for held in record.holdings:
        size = held.size_bytes
        copies = size / output_bytes if output_bytes else 0.0
        inputs = size / input_bytes if input_bytes else 0.0
        yield held.stage, held.location, held.code, size, copies, inputs
