"""What a worker says over its result pipe: JSON lines, the last of them a sentinel.

A stream that does not end in a whole `Done` or `Failed` line is the stream of a worker that died.
"""

from __future__ import annotations

from msgspec import Struct

from harness.records import Batch, Collection, Counters, HeapPoint

RESULT_FD = 3

RECORD_REPLAY = "record-replay"
"""The probe of the job that writes a package cache and does nothing else."""

UNMEASURED = "harness.probes.bare:UnmeasuredProbe"
"""The target of jobs that measure nothing."""


class Delivered(Struct, frozen=True, tag="batch"):
    """One batch, sent when the intake accepted it so that none piles up in the measured heap."""

    batch: Batch


class CaptureRef(Struct, frozen=True, kw_only=True):
    """A capture as the worker left it; whoever reads another size or digest reads damage.

    It is `marked` when a mark in it proves that attribution lasted to the end.
    """

    path: str
    size_bytes: int
    sha256: str
    metric: str
    marked: bool


class WorkDone(Struct, frozen=True, kw_only=True):
    """What came of the work itself.

    `digest` is that of what a callable returned and wrote; where there is none, `detail` says why.
    """

    counters: Counters
    skipped: dict[str, int] = {}
    language: str = ""
    batches: int = 0
    digest: str = ""
    detail: str = ""


class Done(Struct, frozen=True, tag="done", kw_only=True):
    """The work is done, to the last batch; `cpu_s` went by while the probe was on.

    `resident_before_bytes` is what the process had resident when that began, and
    `private_before_bytes` what of that no file backs; `file_growth_bytes` is how much more of files
    was resident at the end, and `children` says whether any other process may have done part of it.
    """

    work: WorkDone
    cpu_s: float
    values: dict[str, float]
    collections: list[Collection]
    timeline: list[HeapPoint]
    resident_before_bytes: int
    private_before_bytes: int = 0
    file_growth_bytes: int = 0
    children: bool
    capture: CaptureRef | None = None


class Failed(Struct, frozen=True, tag="failed"):
    """The work failed for a reason that the worker understood."""

    status: str
    detail: str


Frame = Delivered | Done | Failed
