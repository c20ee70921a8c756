"""How far a run has come, beside its records, for whoever asks from elsewhere."""

from __future__ import annotations

import fcntl
from collections import Counter
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from harness.store.manifest import RUNNING, read_manifest
from harness.store.reader import StoredRecords
from harness.store.writer import LOCK
from harness.text import replace_file

PROGRESS = "progress.json"


class HowFar(Struct, frozen=True, kw_only=True):
    """How many of what are done: binaries of an executor, processes of a run on this machine."""

    done: int
    total: int
    unit: str
    failed: int = 0
    eta_s: float | None = None


class RunStatus(Struct, frozen=True, kw_only=True):
    """How a run stands.

    `state` is `running`, `complete`, `interrupted`, or `abandoned` where its process is gone
    without a word. `progress` is what it said last; `failed` counts processes by binary.
    """

    state: str
    binaries: int
    begun: int
    failed: dict[str, int]
    progress: HowFar | None


def write_progress(run_dir: Path, progress: HowFar) -> None:
    """Replace what is said of a run; where that cannot be written, nobody is told."""
    with suppress(OSError):
        replace_file(run_dir / PROGRESS, msgspec.json.encode(progress))


def drop_progress(run_dir: Path) -> None:
    """Remove what was said of a run that has ended: its manifest says how."""
    with suppress(OSError):
        (run_dir / PROGRESS).unlink()


def status_of(run_dir: Path) -> RunStatus:
    """Return how a run stands, from its files alone: it may be written by another process.

    Raises:
        StoreError: There is no run, or it is damaged.
    """
    manifest = read_manifest(run_dir)
    begun: set[str] = set()
    failed: Counter[str] = Counter()
    for record in StoredRecords(run_dir, [], whole=False):
        begun.add(record.job.binary)
        failed[record.job.binary] += record.status != "ok"
    abandoned = manifest.state == RUNNING and not _is_locked(run_dir / LOCK)
    return RunStatus(
        state="abandoned" if abandoned else manifest.state,
        binaries=len(manifest.corpus),
        begun=len(begun),
        failed={name: count for name, count in failed.most_common() if count},
        progress=_last_said(run_dir),
    )


def _last_said(run_dir: Path) -> HowFar | None:
    try:
        return msgspec.json.decode((run_dir / PROGRESS).read_bytes(), type=HowFar)
    except (OSError, msgspec.DecodeError):
        return None


def _is_locked(path: Path) -> bool:
    """Tell whether another process holds the lock of a run."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
