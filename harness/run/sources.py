"""Open what a job measures: a binary's debug information, or packages replayed from disk."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from harness.errors import ConfigError
from harness.records import CALL, Job
from harness.run.recording import recorded
from harness.run.replay import PackageStream, open_replay

STAGE = "other"

DWARF, REPLAY = "dwarf", "replay"
SOURCES = (DWARF, REPLAY, CALL)


def source_of(job: Job) -> AbstractContextManager[PackageStream]:
    """Return the job's source with everything imported and nothing extracted.

    A replay is open when this returns: reading it back is not what is measured. A binary is opened
    when the source is entered, inside the probe, so that an index built there counts; a job that
    names a replay file beside it records its packages there on the way.
    """
    if job.source == REPLAY:
        return open_replay(job.replay, job.share)
    if job.source != DWARF:
        raise ConfigError(f"there is no source called {job.source!r}")
    # Imported late: a worker that replays must not pay for pyelftools.
    from harness.symbols import open_packages  # noqa: PLC0415

    opening = open_packages(job.binary_path, job.symbol_options)
    return recorded(opening, Path(job.replay)) if job.replay else opening
