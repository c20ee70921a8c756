"""Take back what a crash left between the rows of a replicate and the sample that commits them."""

from __future__ import annotations

import os
from pathlib import Path

from harness.store.reader import read_rows
from harness.store.tables import BATCHES, COPIES, FAILURES, GC, SAMPLES, TIMELINE, Row, SampleRow

_BY_PROBE = ("binary", "arm", "source", "replicate", "probe")
_BY_REPLICATE = _BY_PROBE[:-1]
_COMMITTED_BY_SAMPLE = {
    BATCHES: _BY_PROBE,
    TIMELINE: _BY_PROBE,
    FAILURES: _BY_PROBE,
    GC: _BY_REPLICATE,
    COPIES: _BY_REPLICATE,
}

Key = tuple[object, ...]


def drop_uncommitted(run_dir: Path) -> None:
    """Cut off the rows at the end of each table whose replicate has no sample.

    One writer commits one replicate before it begins the next, so there are none elsewhere.

    Raises:
        StoreError: A line in the middle of a table is damaged.
        OSError: The directory cannot be written.
    """
    samples = read_rows(run_dir, SAMPLES, [])
    for table, names in _COMMITTED_BY_SAMPLE.items():
        committed = {_key(row, names) for row in samples if isinstance(row, SampleRow)}
        rows = read_rows(run_dir, table, [])
        kept = len(rows)
        while kept and _key(rows[kept - 1], names) not in committed:
            kept -= 1
        if kept < len(rows):
            _keep_lines(run_dir / f"{table}.jsonl", kept)


def _key(row: Row, names: tuple[str, ...]) -> Key:
    return tuple(getattr(row, name) for name in names)


def _keep_lines(path: Path, count: int) -> None:
    lines = path.read_bytes().split(b"\n")[:count]
    with path.open("r+b") as file:
        file.truncate(sum(len(line) + 1 for line in lines))
        os.fsync(file.fileno())
