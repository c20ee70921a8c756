"""What a run tells its caller while it lasts; drawing it is the caller's business."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from harness.records import Record
from harness.store.progress import HowFar


class RunStarted(Struct, frozen=True):
    """The run directory exists; `jobs` measured jobs are planned for `binaries` binaries.

    `reused` deliveries were verified by earlier runs with the same code. On an executor, where a
    binary is measured as a whole, `jobs` counts the binaries that are left, and `whole` says so.
    """

    path: Path
    binaries: int
    jobs: int
    reused: int = 0
    whole: bool = False


class JobFinished(Struct, frozen=True):
    """One record was stored, or all of a binary that an executor measures as a whole."""

    record: Record
    far: HowFar


class CellMeasured(Struct, frozen=True):
    """The headline metric of a binary and source is known; `records` are all of the two."""

    binary: str
    source: str
    records: list[Record]


class SourceMeasured(Struct, frozen=True):
    """The headline metric of every binary is known for a source; `records` are all of it."""

    source: str
    records: list[Record]


class Problem(Struct, frozen=True):
    """Something of a binary could not be measured; the run goes on."""

    binary: str
    message: str


class LimitTried(Struct, frozen=True):
    """An arm was tried under a memory limit, and the record of that was stored."""

    record: Record


class RunFinished(Struct, frozen=True):
    """Everything that was planned has been tried; the manifest of the run says the rest."""

    path: Path


Event = (
    RunStarted | JobFinished | CellMeasured | SourceMeasured | Problem | LimitTried | RunFinished
)
