"""Load a run as tidy tables in one call: for reports, notebooks, and anybody with pandas."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import StoreError, failing_as
from harness.stats.frames import COLUMNS, Frames
from harness.stats.limits import LIMIT, edges_of
from harness.stats.metrics import Metrics
from harness.stats.rows import tables_of
from harness.stats.summary import summarise
from harness.stats.worst import MOST_BINARIES, excerpt
from harness.store.manifest import MANIFEST, read_manifest
from harness.store.reader import LARGE, Run, StoredRecords, open_run

ALL = frozenset(COLUMNS)
NUMBERS = ALL - frozenset(LARGE)
"""The tables that verdicts and comparisons are made from."""

_FOLLOWED = ("run", LIMIT)  # other kinds measure something else in each run
_REMEDY = "name runs, or a directory of runs"


def load_frames(run: str | os.PathLike[str], tables: Container[str] = ALL) -> Frames:
    """Return the tables of a run or of a baseline, one observation per row.

    Replicates that failed are in `samples`, with their status; `harness.stats.frames.succeeded`
    leaves them out.

    Args:
        run: The directory.
        tables: Those that are wanted; the others stay empty.

    Raises:
        StoreError: There is no run, a line is damaged, or a baseline was touched.
    """
    whole = any(name in tables for name in LARGE)
    return frames_of(open_run(Path(run), whole=whole), tables)


def load_worst(run: str | os.PathLike[str]) -> Frames:
    """Return the tables of a run as a report needs them.

    Of many binaries, collections and timelines are those of the worst only: of all of them they
    would fill the memory, and nobody could look at them.
    """
    path = Path(run)
    if len(read_manifest(path).corpus) <= MOST_BINARIES:
        return load_frames(path)
    frames = load_frames(path, NUMBERS)
    worst = {row.binary for row in excerpt(summarise(frames)).rows}
    large = tables_of(list(StoredRecords(path, [], of=worst)), frames.metrics, LARGE)
    whole = replace(frames, **{name: large[name] for name in LARGE})
    whole.summaries.extend(frames.summaries)
    return whole


def frames_of(run: Run, tables: Container[str] = ALL) -> Frames:
    """Return the tables of a run that was read or opened; arguments as for `load_frames`."""
    edges = edges_of(run.records, run.manifest)
    return Frames(
        path=run.path,
        manifest=run.manifest,
        warnings=run.warnings,
        **tables_of(
            [*run.records, *edges] if edges else run.records,
            Metrics(run.manifest),
            tables,
            {one.name: one.size_bytes for one in run.manifest.corpus},
        ),
    )


def iter_complete(paths: Sequence[Path], warn: Callable[[str], None]) -> Iterator[Frames]:
    """Yield the tables of every run that ended well.

    Args:
        paths: Runs, or directories of runs.
        warn: Told which runs are left out, and what reading the others showed to be wrong.

    Raises:
        StoreError: There is no run in one of them, or it is damaged.
    """
    found = [run for path in paths for run in _iter_runs(path)]
    for path in found:
        manifest = read_manifest(path)
        why = manifest.unfinished if manifest.kind in _FOLLOWED else f"it is a {manifest.kind}"
        if why:
            warn(f"{path} left out: {why}")
            continue
        frames = load_frames(path, ("samples", "deliveries"))
        for warning in frames.warnings:
            warn(f"{path}: {warning}")
        yield frames


def _iter_runs(path: Path) -> list[Path]:
    if (path / MANIFEST).exists():
        return [path]
    with failing_as(StoreError, str(path), _REMEDY):
        found = sorted(entry for entry in path.iterdir() if (entry / MANIFEST).exists())
    if not found:
        raise StoreError(f"{path} contains no run", remedy=_REMEDY)
    return found
