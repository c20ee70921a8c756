"""Decide what a replicate is worth: only what is whole, undamaged and as expected is `ok`.

A worker that was killed, a disk that was full and a capture that lost a byte all leave something
that looks like a smaller measurement. So nothing counts by default; every check below has to pass.
"""

from __future__ import annotations

import math
import signal
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct, structs

from harness.probes.capture_format import Capture
from harness.probes.guard import disturbed
from harness.probes.heap_line import merged
from harness.records import VERIFY, Batch, Counters, Job, Metric, Record
from harness.residency import contradiction
from harness.run.child import Ending, LauncherReport
from harness.run.frames import RECORD_REPLAY, CaptureRef, Delivered, Done, Failed, Frame, WorkDone
from harness.text import last_line

_CHILDREN = (
    "part of the work may have been done in a child process, which no instrument here measures — "
    "do it in this process, or measure by itself what the child runs"
)


class Judged(Struct):
    """A record, the capture that has to be read to complete it, and what became resident."""

    record: Record
    capture: CaptureRef | None = None
    grown_bytes: int = 0


def judge_worker(
    job: Job, ending: Ending, expected: Counters | None, declared: Iterable[Metric]
) -> Judged:
    """Turn what a worker left into a record.

    `expected` is the work that the verification run did, None if this is it. Of the metrics that
    are `declared`, those that the launcher measures are filled in.
    """
    frames = _decode(ending.lines)
    last = frames[-1] if frames else None
    failure = next(_iter_failures(job, ending, frames), None)
    if failure:
        status, why = failure
        return Judged(Record(job=job, status=status, detail=_with_tail(why, ending)))
    assert isinstance(last, Done)
    batches = [frame.batch for frame in frames[:-1] if isinstance(frame, Delivered)]
    record = Record(
        job=job,
        status="ok",
        values={**last.values, **_launcher_values(last, ending.report, declared)},
        batches=batches,
        collections=last.collections,
        timeline=last.timeline,
        counters=last.work.counters,
        skipped=last.work.skipped,
        language=last.work.language,
        digest=last.work.digest,
        detail=last.work.detail,
        randomised=ending.report is not None and ending.report.randomised,
    )
    problem = (
        None if job.probe == RECORD_REPLAY else _disagreement(job, last.work, batches, expected)
    )
    if job.probe not in {RECORD_REPLAY, VERIFY} and last.children:
        problem = problem or ("invalid", _CHILDREN)
    if problem:
        record.status, record.detail = problem[0], _with_tail(problem[1], ending)
    assert ending.report is not None
    capture = last.capture if record.status == "ok" else None
    return Judged(record, capture, _grown_bytes(last, ending.report))


def worked_in_children(record: Record) -> bool:
    """Tell whether all was delivered, and only what it took cannot be known: a child may have."""
    return record.status == "invalid" and record.detail.startswith(_CHILDREN)


def judge_capture(record: Record, capture: CaptureRef, ending: Ending) -> Record:
    """Add what the capture says to `record`, or say that the capture is damaged."""
    report = ending.report
    if report is None or report.ending != "exited" or report.exit_code or len(ending.lines) != 1:
        why = _how_it_ended(report)
        record.status = "damaged"
        record.detail = _with_tail(f"the capture cannot be read: {why}", ending)
        return record
    found = msgspec.json.decode(ending.lines[0], type=Capture)
    record.values = {capture.metric: found.peak_bytes, **record.values}
    record.holdings = found.holdings
    record.timeline = merged(found.timeline, record.timeline)
    if sum(holding.size_bytes for holding in found.holdings) != found.peak_bytes:
        record.status = "damaged"
        why = "what was alive at the peak does not add up to the peak"
        record.detail = _with_tail(why, ending)
    elif capture.marked and not found.attributed:
        record.status = "invalid"
        record.detail = str(disturbed("memray", "its profile function was removed"))
    return record


def judge_values(record: Record, declared: Sequence[Metric], grown_bytes: int) -> Record:
    """Refuse a record that lacks a declared metric, has another one, or has no number in one.

    A peak of memory that was never there, by what became resident, is no peak either.

    A metric that needs the machine to itself is no measurement where a job was paired: it goes.
    """
    noisy = {metric.name for metric in declared if metric.alone and record.job.paired}
    record.values = {name: one for name, one in record.values.items() if name not in noisy}
    found, wanted = sorted(record.values), sorted({m.name for m in declared} - noisy)
    if record.status == "ok" and found != wanted:
        record.status = "damaged"
        record.detail = f"measured {found}, declared {wanted}"
    if record.status == "ok" and not all(map(math.isfinite, record.values.values())):
        record.status, record.detail = "damaged", "a metric is not a number"
    for metric in declared if record.status == "ok" else ():
        location = record.holdings[0].location if record.holdings else ""
        why = metric.peak_rank and contradiction(
            metric.name, record.values[metric.name], grown_bytes, location=location
        )
        if why:
            record.status, record.detail = "invalid", why
    return record


def _decode(lines: list[bytes]) -> list[Frame]:
    """Return the frames, up to the first that is not one."""
    frames: list[Frame] = []
    decoder = msgspec.json.Decoder(Frame)
    for line in lines:
        try:
            frames.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            break
    return frames


def _why(unread: list[bytes]) -> str:
    """Return what is wrong with the first of the lines that are no frames, as far as it is one."""
    try:
        for line in unread[:1]:
            msgspec.json.decode(line, type=Frame)
    except msgspec.ValidationError as error:
        return f": {error}"
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # it was torn, or something else wrote between
    return ""


def _iter_failures(job: Job, ending: Ending, frames: list[Frame]) -> Iterator[tuple[str, str]]:
    """Yield every status and reason that speaks against the job, the most telling first."""
    report, last = ending.report, frames[-1] if frames else None
    if report is None:
        yield "crashed", "its launcher was killed"
        return
    if report.ending == "timeout" and not isinstance(last, Failed):
        done = isinstance(last, Done)
        remedy = "join the threads" if done else "raise the timeout if it needs longer"
        why = ", although the work was done: threads of it still run" if done else ""
        yield "timeout", f"not finished after {job.timeout_s:g} s{why} — {remedy}"
    if report.ending == "stopped":
        yield "interrupted", "stopped by the parent"
    if ending.memray_error:
        yield "damaged", "memray could not write all it saw"
    if isinstance(last, Failed):
        yield last.status, last.detail
    if report.exit_code:
        yield _status_of_exit(report, ending.stderr_tail), _told(report, ending.stderr_tail)
    if len(frames) != len(ending.lines) or ending.torn:
        yield "damaged", f"what it reported cannot be read{_why(ending.lines[len(frames) :])}"
    if not isinstance(last, Done):
        yield "crashed", _told(report, ending.stderr_tail)


def _status_of_exit(report: LauncherReport, stderr_tail: str) -> str:
    killed = report.exit_code == -signal.SIGKILL and report.oom_kills > 0
    starved = "MemoryError" in stderr_tail or "bad_alloc" in stderr_tail
    return "oom" if killed or starved else "crashed"


def _how_it_ended(report: LauncherReport | None) -> str:
    if report is None:
        return "its launcher was killed"
    if report.ending != "exited":
        return report.ending
    if report.exit_code >= 0:
        return f"exit code {report.exit_code}"
    try:
        how = f"killed by {signal.Signals(-report.exit_code).name}"
    except ValueError:
        return f"killed by signal {-report.exit_code}"
    # Perhaps it: but whoever else kills, and whomever else the kernel killed, looks the same.
    starved = report.exit_code == -signal.SIGKILL and report.kills_anywhere
    return f"{how}; the kernel killed something for want of memory meanwhile" if starved else how


def _told(report: LauncherReport, stderr_tail: str) -> str:
    """Return how a worker ended that did not say why, with the last that it wrote if it did."""
    how = _how_it_ended(report)
    if report.exit_code < 0:
        return how
    last = last_line(stderr_tail, "")
    untold = "did not say that it was done — have it return or raise, not os._exit or exec"
    return f"{how}: {last}" if last else f"{how}, and it {untold}"


def _with_tail(reason: str, ending: Ending) -> str:
    """Return a reason, and below it the last that was written to standard error."""
    tail = ending.stderr_tail.strip()
    return f"{reason}\n{tail}" if tail else reason


def _disagreement(
    job: Job, did: WorkDone, batches: list[Batch], expected: Counters | None
) -> tuple[str, str] | None:
    if job.call:
        if expected is None or did.counters == expected:
            return None
        sizes = f"{did.counters.raw_bytes:,} bytes, in the verification run {expected.raw_bytes:,}"
        remedy = "have it do the same each time: fix seeds and dates, or name --output-of PATH"
        return "mismatch", f"it returned and wrote {sizes} — {remedy}"
    if len(batches) != did.batches:
        return "damaged", f"{len(batches)} of {did.batches} batches were reported"
    observed = structs.replace(
        did.counters,
        scopes=sum(batch.scopes for batch in batches),
        functions=sum(batch.functions for batch in batches),
        batches=len(batches),
        raw_bytes=sum(batch.raw_bytes for batch in batches),
        payload_bytes=sum(batch.payload_bytes for batch in batches),
    )
    if observed != did.counters:
        return "mismatch", f"its batches add up to {observed}, it claims {did.counters}"
    if expected is not None and did.counters != expected:
        return "mismatch", f"it did {did.counters}, the verification run {expected}"
    return None


def _launcher_values(
    done: Done, report: LauncherReport | None, declared: Iterable[Metric]
) -> dict[str, float]:
    """Return the declared metrics that are measured from outside, or by the worker for all."""
    assert report is not None
    known = {
        "rss_peak": report.max_rss_bytes,
        "context_switches_voluntary": report.voluntary_switches,
        "context_switches_involuntary": report.involuntary_switches,
        "payload_sent": done.work.counters.payload_bytes,
        "cpu_under_probe": done.cpu_s,
        "rss_under_probe": report.max_rss_bytes,
        "rss_growth": _grown_bytes(done, report),
        "file_growth": done.file_growth_bytes,
        "private_start": done.private_before_bytes,
    }
    return {metric.name: known[metric.name] for metric in declared if metric.name in known}


def _grown_bytes(done: Done, report: LauncherReport) -> int:
    """Return how far max RSS rose above what was resident when the run began."""
    return max(0, report.max_rss_bytes - done.resident_before_bytes)
