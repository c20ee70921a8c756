"""The stored collections of a run as text, one line each, in the spirit of Go's gctrace=1."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import cast

import msgspec

from harness.errors import StoreError
from harness.probes.gc_trace import trace_line
from harness.records import Collection
from harness.stats.labels import inert
from harness.store import read_manifest, read_rows
from harness.store.tables import GC, CollectionRow


def iter_gc_lines(run_dir: Path, warnings: list[str]) -> Iterator[str]:
    """Yield a heading for each replicate under probe gc, and below it a line a collection.

    What is not as a clean run would leave it goes into `warnings`.

    Raises:
        StoreError: There is no run, a line is damaged, or no collection was recorded.
    """
    read_manifest(run_dir)
    rows = cast("list[CollectionRow]", read_rows(run_dir, GC, warnings))
    if not rows:
        raise StoreError(
            f"{run_dir}: no collection was recorded",
            remedy="measure with --probe gc; under it, the collector of small inputs may never run",
        )
    for replicate, collections in groupby(sorted(rows, key=_place), _replicate):
        yield f"# {replicate}"
        for number, row in enumerate(collections, start=1):
            yield trace_line(number, msgspec.convert(row, Collection, from_attributes=True))


def _place(row: CollectionRow) -> tuple[str, str, str, int, float]:
    return row.binary, row.source, row.arm, row.replicate, row.start_s


def _replicate(row: CollectionRow) -> str:
    binary, source, arm = map(inert, (row.binary, row.source, row.arm))
    return f"{binary}, source {source}, {arm}, replicate {row.replicate}"
