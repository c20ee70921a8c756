"""How far a run has come, beside its records, for whoever asks from elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

PROGRESS = "progress.json"


class HowFar(Struct, frozen=True, kw_only=True):
    """Binaries of an executor, or measured processes of a local run; `eta_s` where it is known."""

    done: int
    total: int
    failed: int = 0
    eta_s: float | None = None


def write_progress(run_dir: Path, progress: HowFar) -> None:
    """Replace what is said of a run; that it gets lost in a crash matters to nobody."""
    staged = run_dir / f".{PROGRESS}.{os.getpid()}"
    staged.write_bytes(msgspec.json.encode(progress))
    staged.replace(run_dir / PROGRESS)


def read_progress(run_dir: Path) -> HowFar | None:
    """Return what was said last; None if nothing was."""
    try:
        return msgspec.json.decode((run_dir / PROGRESS).read_bytes(), type=HowFar)
    except (OSError, msgspec.DecodeError):
        return None
