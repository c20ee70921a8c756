"""How far a run has come, beside its records, for whoever asks from elsewhere."""

from __future__ import annotations

import fcntl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from harness.store.manifest import COMPLETE, INTERRUPTED, RUNNING, read_manifest
from harness.store.reader import StoredRecords
from harness.store.writer import LOCK, RunWriter
from harness.text import replace_file

PROGRESS = "progress.json"


class HowFar(Struct, frozen=True, kw_only=True):
    """How many of what are done: binaries of an executor, processes of a run on this machine.

    So many of them `failed`. `eta_s` is None until there is something to judge by.
    """

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


@contextmanager
def ending(writer: RunWriter, warnings: Callable[[], list[str]] = list) -> Iterator[None]:
    """Leave the manifest saying how the run ended, whatever ends it, and what to beware of."""
    started, state = time.monotonic(), INTERRUPTED
    try:
        yield
        state = COMPLETE
    finally:
        with suppress(OSError):
            (writer.path / PROGRESS).unlink()
        writer.update_manifest(
            warnings=warnings(),
            state=state,
            finished_at=datetime.now(UTC).isoformat(),
            elapsed_s=time.monotonic() - started,
        )


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
