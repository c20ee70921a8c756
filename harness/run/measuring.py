"""The probe around what is measured, and all that it and this process can tell afterwards."""

from __future__ import annotations

import gc
import hashlib
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar, cast

from harness.contracts import Probe
from harness.records import Job
from harness.run.frames import CaptureRef, Done, WorkDone
from harness.run.targets import load
from harness.run.witness import Witness, file_bytes

STAGE = "other"

_Result = TypeVar("_Result")


class Measurement:
    """Runs something under the job's probe, once.

    The cyclic garbage of what came before is collected first, and not measured. memray loses the
    first frame that is called after it was started within a generator; what a user wrote must not
    be that frame, but be called by it.
    """

    def __init__(self, job: Job) -> None:
        self._probe = cast("Probe", load(job.probe_target)(job.scratch))

    def call(self, work: Callable[[], _Result]) -> _Result:
        """Return what `work` returns."""
        self._begin()
        with self._probe.measure():
            result = work()
        self._end()
        return result

    async def wait_for(self, work: Callable[[], Awaitable[_Result]]) -> _Result:
        """Return what `work` returns in the end, with all that its event loop does meanwhile."""
        self._begin()
        with self._probe.measure():
            result = await work()
        self._end()
        return result

    def _begin(self) -> None:
        self._file_bytes = file_bytes()  # what it leaves is collected
        gc.collect()
        self._witness = Witness()
        self._cpu_s = time.process_time()

    def _end(self) -> None:
        self._cpu_s = time.process_time() - self._cpu_s
        self._children = self._witness.saw_children()
        self._file_growth_bytes = max(0, file_bytes() - self._file_bytes)

    def done(self, work: WorkDone) -> Done:
        """Return what was measured of this work."""
        return Done(
            work=work,
            cpu_s=self._cpu_s,
            values=self._probe.values(),
            collections=self._probe.collections(),
            timeline=self._probe.timeline(),
            resident_before_bytes=self._witness.resident_bytes,
            private_before_bytes=self._witness.private_bytes,
            file_growth_bytes=self._file_growth_bytes,
            children=self._children,
            capture=_capture(self._probe),
        )


def _capture(probe: Probe) -> CaptureRef | None:
    if not probe.capture_path:
        return None
    with Path(probe.capture_path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size_bytes = os.fstat(file.fileno()).st_size
    return CaptureRef(
        path=probe.capture_path,
        size_bytes=size_bytes,
        sha256=digest,
        metric=probe.metrics[0].name,
        marked=getattr(probe, "left_mark", False),
    )
