"""Run one job in this process: one pipeline or callable, one probe, and say what came of it.

The job comes as JSON on standard input, frames go to the result pipe, nothing to standard output.
What happens outside the pipeline while the probe runs is: opening the source and the client, and
one frame a delivered batch.

Before the probe starts, the pipeline runs once over a package of one function, so that what Python
does only once (late imports, codec look-ups, specialised bytecode) is not taken for the pipeline's
doing; and the cyclic garbage of importing is collected. The collector then runs as it always does.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import msgspec

from harness.config import UploadOptions
from harness.contracts import Pipeline
from harness.errors import NO_ROOM, HarnessError, InputRejected, MeasurementInvalid
from harness.intake.client import IntakeClient
from harness.model import Package, Scope, Symbol, package_scope
from harness.records import TEST, Batch, Counters, Job
from harness.run.frames import (
    RECORD_REPLAY,
    RESULT_FD,
    Delivered,
    Done,
    Failed,
    Frame,
    WorkDone,
)
from harness.run.measuring import Measurement
from harness.run.recording import drain
from harness.run.sources import source_of
from harness.run.targets import load

STAGE = "other"

_NOT_HERE = (
    " — it ran in an empty directory: give it files by --input (inputs=), or by absolute paths"
)
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
    except MemoryError as error:
        say(Failed("oom", _told(error)))
    except OSError as error:
        say(Failed("damaged" if error.errno in NO_ROOM else "crashed", _told(error)))
    except SystemExit as error:
        say(Failed("crashed", f"sys.exit({error.code!r}) was called — have it return or raise"))
    except BaseException as error:  # noqa: BLE001  every failure of a plugin is a result
        say(Failed("crashed", str(error) if isinstance(error, HarnessError) else _told(error)))


class Work(Protocol):
    """What is measured: called once, under the probe, and asked afterwards what it did."""

    def __call__(self) -> None:
        """Do it."""
        ...

    def done(self) -> WorkDone:
        """Return what it did, once the probe is off."""
        ...


def _measure(job: Job, say: Callable[[Frame], None]) -> Frame:
    if job.source == TEST:
        from harness.run.testing import measure_test  # noqa: PLC0415  pytest, for nobody else

        return measure_test(job)
    measurement = Measurement(job)
    work = _Upload(job, say) if job.call is None else _called(job)
    measurement.call(work)
    return measurement.done(work.done())


def _called(job: Job) -> Work:
    # Imported late: a worker that runs a pipeline must not pay for it.
    from harness.run.called import CalledWork  # noqa: PLC0415

    return CalledWork(job)


class _Upload:
    """A pipeline that uploads what its source yields, and reports each delivered batch."""

    def __init__(self, job: Job, say: Callable[[Frame], None]) -> None:
        self._job, self._say = job, say
        self._pipeline = cast("Pipeline", load(job.pipeline))
        self._opening = source_of(job)
        _warm_up(self._pipeline, job)
        self._batches = 0

    def __call__(self) -> None:
        self._started = time.monotonic()
        job = self._job
        upload = UploadOptions(url=job.intake_url, upload_id=job.upload_id)
        with self._opening as source:
            named = msgspec.structs.replace(upload, language=source.language or upload.language)
            with IntakeClient(named) as intake:
                self._counters = self._pipeline(
                    source.packages, intake, job.pipeline_options, self._report
                )
                self._source = source

    def done(self) -> WorkDone:
        """Return what was shipped, and what the source left out.

        Raises:
            HarnessError: The pipeline did not say what it shipped.
        """
        if not isinstance(self._counters, Counters):
            kind = type(self._counters).__name__
            remedy = "return the Counters of harness.records"
            raise HarnessError(f"the pipeline returned something of type {kind}", remedy=remedy)
        return WorkDone(
            counters=self._counters,
            skipped=self._source.skipped,
            language=self._source.language,
            batches=self._batches,
        )

    def _report(self, batch: Batch) -> None:
        self._batches += 1
        at_s = time.monotonic() - self._started
        self._say(Delivered(msgspec.structs.replace(batch, at_s=at_s)))


def _record_replay(job: Job) -> Done:
    """Write the package cache at `job.replay` instead of measuring anything."""
    with source_of(job) as source:
        drain(source)
    return Done(
        work=WorkDone(
            counters=Counters(), skipped=source.skipped, language=source.language, batches=0
        ),
        cpu_s=0.0,
        values={},
        collections=[],
        timeline=[],
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


def _frame_writer(handle: int) -> Callable[[Frame], None]:
    encoder = msgspec.json.Encoder()

    def say(frame: Frame) -> None:
        data = memoryview(encoder.encode(frame) + b"\n")
        while data:
            data = data[os.write(handle, data) :]

    return say


def _told(error: BaseException) -> str:
    """Return in a line the exception that all others came of, and below it the traceback's end."""
    whole = first = traceback.TracebackException.from_exception(error, limit=-8)
    while before := first.__cause__ or (not first.__suppress_context__ and first.__context__):
        first = before
    lines = "".join(first.format_exception_only()).splitlines()
    told = next(line for line in lines if not line.startswith(" "))
    missing = isinstance(error, FileNotFoundError) and error.filename
    remedy = _NOT_HERE if missing and not Path(str(missing)).is_absolute() else ""
    text = f"{told}{_raised_at(first.stack)}{remedy}\n{''.join(whole.format())[-4000:]}"
    return text.encode("utf-8", "backslashreplace").decode()


def _raised_at(stack: traceback.StackSummary) -> str:
    """Return the last line of a stack that is neither ours nor of a library, if there is one."""
    others = (sys.prefix, sys.base_prefix, str(Path(__file__).parents[1]), "<")
    own = [frame for frame in stack if not frame.filename.startswith(others)]
    return f" ({Path(own[-1].filename).name}:{own[-1].lineno} {own[-1].name})" if own else ""


if __name__ == "__main__":
    main()
