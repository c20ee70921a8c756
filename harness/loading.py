"""Load a run as tidy tables in one call: for reports, notebooks, and anybody with pandas."""

from __future__ import annotations

import os
from collections.abc import Container
from pathlib import Path

from harness.stats.frames import COLUMNS, Frames, tables_of
from harness.stats.metrics import Metrics
from harness.store.reader import Run, read_run


def load_frames(run: str | os.PathLike[str], tables: Container[str] = frozenset(COLUMNS)) -> Frames:
    """Return the tables of a run or of a baseline, one observation a row.

    Replicates that failed are in `samples`, with their status; `harness.stats.frames.succeeded`
    leaves them out.

    Args:
        run: The directory.
        tables: Those that are wanted; the others stay empty.

    Raises:
        StoreError: There is no run, a line is damaged, or a baseline was touched.
    """
    return frames_of(read_run(Path(run)), tables)


def frames_of(run: Run, tables: Container[str] = frozenset(COLUMNS)) -> Frames:
    """Return the tables of a run that was read; arguments as for `load_frames`."""
    return Frames(
        path=run.path,
        manifest=run.manifest,
        warnings=run.warnings,
        **tables_of(run.records, Metrics(run.manifest), tables),
    )
