"""What a run tells its caller while it lasts; drawing it is the caller's business."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.records import Binary, Overhead, Record


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run directory exists; `jobs` measured jobs are planned for `binaries` binaries."""

    path: Path
    binaries: int
    jobs: int


@dataclass(frozen=True, slots=True)
class BinaryStarted:
    """Work on one binary begins: first its verification, then its measurements."""

    binary: Binary
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class JobFinished:
    """One record was stored. `eta_s` is None until there is something to judge by."""

    record: Record
    done: int
    total: int
    elapsed_s: float
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class BinaryFinished:
    """All that will be known of one binary is stored; the same records as its jobs sent."""

    binary: Binary
    records: list[Record] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something of a binary could not be measured; the run goes on."""

    binary: Binary
    message: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """Everything that was planned has been tried; `overheads` are by probe."""

    path: Path
    not_measured: list[str]
    overheads: dict[str, Overhead] = field(default_factory=dict)


Event = RunStarted | BinaryStarted | JobFinished | BinaryFinished | Problem | RunFinished
