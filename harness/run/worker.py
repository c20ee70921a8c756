"""Run one job in this process: one pipeline, one source, one probe, and say what came of it.

The job comes as JSON on standard input, frames go to the result pipe, nothing to standard output.
What happens outside the pipeline while the probe runs is: opening the source and the client, and
one frame a delivered batch.

Before the probe starts, the pipeline runs once over a package of one function, so that what Python
does only once (late imports, codec look-ups, specialised bytecode) is not taken for the pipeline's
doing; and the cyclic garbage of importing is collected. The collector then runs as it always does.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import msgspec

from harness.config import UploadOptions
from harness.contracts import Pipeline, Probe
from harness.errors import NO_ROOM, HarnessError, InputRejected, MeasurementInvalid
from harness.intake.client import IntakeClient
from harness.model import Package, Scope, Symbol, package_scope
from harness.records import Batch, Counters, Job
from harness.run.frames import (
    RECORD_REPLAY,
    RESULT_FD,
    CaptureRef,
    Delivered,
    Done,
    Failed,
    Frame,
)
from harness.run.recording import drain
from harness.run.replay import PackageStream
from harness.run.sources import source_of
from harness.run.witness import Witness

STAGE = "other"

_Opening = AbstractContextManager[PackageStream]

_WARM_UP_MARK = "00000000"


def main() -> None:
    """Do the job on standard input."""
    say = _frame_writer(RESULT_FD)
    try:
        job = msgspec.convert(json.load(sys.stdin), Job)
        say(_record_replay(job) if job.probe == RECORD_REPLAY else _measure(job, say))
    except InputRejected as error:
        say(Failed("rejected", str(error)))
    except MeasurementInvalid as error:
        say(Failed("invalid", str(error)))
    except MemoryError:
        say(Failed("oom", _trace_tail()))
    except OSError as error:
        say(Failed("damaged" if error.errno in NO_ROOM else "crashed", _trace_tail()))
    except Exception as error:  # noqa: BLE001  every failure of a plugin is a result
        say(Failed("crashed", str(error) if isinstance(error, HarnessError) else _trace_tail()))


def _measure(job: Job, say: Callable[[Frame], None]) -> Done:
    pipeline = cast("Pipeline", _load(job.pipeline))
    probe = cast("Probe", _load(job.probe_target)(job.scratch))
    opening = source_of(job)
    _warm_up(pipeline, job)
    progress = _Progress(say)
    gc.collect()
    witness = Witness()
    cpu_s = time.process_time()
    with probe.measure():
        counters, source = _upload(pipeline, job, opening, progress)
    return Done(
        counters=counters,
        cpu_s=time.process_time() - cpu_s,
        values=probe.values(),
        collections=probe.collections(),
        timeline=probe.timeline(),
        skipped=source.skipped,
        language=source.language,
        batches=progress.batches,
        resident_before_bytes=witness.resident_bytes,
        children=witness.saw_children(),
        capture=_capture(probe),
    )


class _Progress:
    """Reports each delivered batch, timed from when the pipeline may begin."""

    def __init__(self, say: Callable[[Frame], None]) -> None:
        self.batches = 0
        self.started = 0.0
        self._say = say

    def __call__(self, batch: Batch) -> None:
        self.batches += 1
        at_s = time.monotonic() - self.started
        self._say(Delivered(msgspec.structs.replace(batch, at_s=at_s)))


def _upload(
    pipeline: Pipeline, job: Job, opening: _Opening, progress: _Progress
) -> tuple[Counters, PackageStream]:
    """Run the pipeline, one call below where tracing began.

    memray loses the first frame that is called after it was started within a generator; a
    pipeline's own function must not be that frame.
    """
    progress.started = time.monotonic()
    upload = UploadOptions(url=job.intake_url, upload_id=job.upload_id)
    with opening as source:
        named = msgspec.structs.replace(upload, language=source.language or upload.language)
        with IntakeClient(named) as intake:
            return pipeline(source.packages, intake, job.pipeline_options, progress), source


def _record_replay(job: Job) -> Done:
    """Write the package cache at `job.replay` instead of measuring anything."""
    with source_of(job) as source:
        drain(source)
    return Done(
        counters=Counters(),
        cpu_s=0.0,
        values={},
        collections=[],
        timeline=[],
        skipped=source.skipped,
        language=source.language,
        batches=0,
        resident_before_bytes=0,
        children=False,
    )


def _warm_up(pipeline: Pipeline, job: Job) -> None:
    child = Scope(
        scope_type="function",
        name="warm_up",
        source_file="warm_up.go",
        start_line=1,
        end_line=2,
        has_injectible_lines=True,
        symbols=[Symbol(name="x", type="int", symbol_type="arg", line=1)],
    )
    packages = iter([Package(package_scope("warm_up"), "go", iter([child]))])
    # An id of its own: under one for all, batches of another pipeline would be in conflict with it.
    upload_id = _WARM_UP_MARK + job.upload_id[len(_WARM_UP_MARK) :]
    with IntakeClient(UploadOptions(url=job.intake_url, upload_id=upload_id)) as intake:
        pipeline(packages, intake, job.pipeline_options, lambda _: None)
    # Extractors use temporary files. Opening the first one asks whether a string is a path, and the
    # answer is kept together with a name that stays or not, as its address on the heap decides.
    with tempfile.TemporaryFile(dir=job.scratch):
        pass


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


def _load(target: str) -> Callable[..., Any]:
    module, _, attribute = target.partition(":")
    return cast("Callable[..., Any]", getattr(import_module(module), attribute))


def _frame_writer(handle: int) -> Callable[[Frame], None]:
    encoder = msgspec.json.Encoder()

    def say(frame: Frame) -> None:
        data = memoryview(encoder.encode(frame) + b"\n")
        while data:
            data = data[os.write(handle, data) :]

    return say


def _trace_tail() -> str:
    return traceback.format_exc(limit=-8).encode("utf-8", "backslashreplace").decode()[-4000:]


if __name__ == "__main__":
    main()
