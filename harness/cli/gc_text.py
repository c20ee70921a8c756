"""The stored collections of a run as text, one line each, in the spirit of Go's gctrace=1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec

from harness.errors import StoreError
from harness.probes.gc_trace import trace_line
from harness.records import Collection
from harness.stats.labels import inert
from harness.store import read_manifest, read_rows
from harness.store.tables import GC, SAMPLES, CollectionRow, SampleRow

_COUNT = "gc_runs"

Replicate = tuple[str, str, str, int]


def iter_gc_lines(run_dir: Path, warnings: list[str]) -> Iterator[str]:
    """Yield a heading for each replicate under probe gc, and below it a line a collection.

    What is not as a clean run would leave it goes into `warnings`, a trace among them that has
    not as many collections as the probe has counted.

    Raises:
        StoreError: There is no run, a line is damaged, or no collector was watched.
    """
    read_manifest(run_dir)
    counted = _counted(run_dir, warnings)
    traces: dict[Replicate, list[CollectionRow]] = {replicate: [] for replicate in counted}
    for row in cast("list[CollectionRow]", read_rows(run_dir, GC, warnings)):
        traces.setdefault(_replicate(row), []).append(row)
    if not traces:
        raise StoreError(
            f"{run_dir}: no replicate ran under probe gc", remedy="measure with --probe gc"
        )
    for replicate, rows in sorted(traces.items()):
        yield _heading(replicate)
        yield from _iter_lines(rows)
        if len(rows) != counted.get(replicate):
            told = counted.get(replicate, "no")
            warnings.append(
                f"{_heading(replicate)}: {len(rows)} collections are stored, {told} were counted"
            )


def _counted(run_dir: Path, warnings: list[str]) -> dict[Replicate, int]:
    """Return how many collections the probe saw, by replicate."""
    rows = cast("list[SampleRow]", read_rows(run_dir, SAMPLES, warnings))
    return {_replicate(row): int(row.value or 0) for row in rows if row.metric == _COUNT}


def _iter_lines(rows: list[CollectionRow]) -> Iterator[str]:
    for number, row in enumerate(sorted(rows, key=lambda row: row.start_s), start=1):
        yield trace_line(number, msgspec.convert(row, Collection, from_attributes=True))


def _replicate(row: CollectionRow | SampleRow) -> Replicate:
    return row.binary, row.source, row.arm, row.replicate


def _heading(replicate: Replicate) -> str:
    binary, source, arm = map(inert, replicate[:3])
    return f"# {binary}, source {source}, {arm}, replicate {replicate[3]}"
