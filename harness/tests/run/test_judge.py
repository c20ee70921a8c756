"""What a worker left is a measurement only if it is whole, as declared, and as it was verified."""

from __future__ import annotations

import math

import msgspec
import pytest
from msgspec import structs

from harness.probes.capture_format import Capture
from harness.records import CALL, Batch, Call, Counters, Holding, Job, Metric, Record
from harness.run.child import Ending, LauncherReport
from harness.run.frames import CaptureRef, Delivered, Done, Frame, WorkDone
from harness.run.judge import judge_capture, judge_values, judge_worker

JOB = Job(
    run_id="r", binary="b", binary_path="/b", binary_sha256="0", arm="mine", source="replay",
    probe="peak", replicate=0, order=0, pipeline="m:run", probe_target="m:Probe", intake_url="",
    scratch="",
)  # fmt: skip
CALLED = structs.replace(JOB, source=CALL, call=Call())
REPORT = LauncherReport(
    exit_code=0, ending="exited", wall_s=1.0, oom_kills=0, kills_anywhere=0, charged_bytes=0,
    randomised=False, max_rss_bytes=1 << 30, voluntary_switches=0, involuntary_switches=0,
)  # fmt: skip
BATCH = Batch(
    batch_num=1, final=True, scopes=2, functions=1, raw_bytes=10, payload_bytes=5,
    threshold_bytes=0, overshoot_bytes=0, at_s=0.0,
)  # fmt: skip
COUNTERS = Counters(packages=1, scopes=2, functions=1, batches=1, raw_bytes=10, payload_bytes=5)
DONE = Done(
    work=WorkDone(counters=COUNTERS, batches=1), cpu_s=1.0, values={"heap_peak": 7.0},
    collections=[], timeline=[], resident_before_bytes=0, children=False,
)  # fmt: skip
PEAK = Metric("heap_peak", "byte", exact=True, peak_rank=1)


def ending(*frames: Frame | Capture, report: LauncherReport | None = REPORT) -> Ending:
    lines = [msgspec.json.encode(frame) for frame in frames]
    return Ending(report=report, lines=lines, torn=False, stderr_tail="", memray_error=False)


WHOLE = (Delivered(BATCH), DONE)
LEFT = {
    "whole": (ending(*WHOLE), "ok", ""),
    "stopped": (
        ending(*WHOLE, report=structs.replace(REPORT, ending="stopped")),
        "interrupted", "stopped by the parent",
    ),
    "a signal without a name": (
        ending(*WHOLE, report=structs.replace(REPORT, exit_code=-40)),
        "crashed", "killed by signal 40",
    ),
    "killed, and the kernel says why": (
        ending(*WHOLE, report=structs.replace(REPORT, exit_code=-9, oom_kills=1)),
        "oom", "killed by SIGKILL",
    ),
    "killed, and so was somebody": (
        ending(*WHOLE, report=structs.replace(REPORT, exit_code=-9, kills_anywhere=1)),
        "crashed", "killed by SIGKILL; the kernel killed something for want of memory meanwhile",
    ),
    "broken, while somebody was killed": (
        ending(*WHOLE, report=structs.replace(REPORT, exit_code=-11, kills_anywhere=1)),
        "crashed", "killed by SIGSEGV",
    ),
    "a value that is no number": (
        ending(Delivered(BATCH), structs.replace(DONE, values={"heap_peak": "much"})),
        "damaged",
        "what it reported cannot be read: Expected `float`, got `str` - at `$.values[...]`",
    ),
    "a batch that was not reported": (ending(DONE), "damaged", "0 of 1 batches were reported"),
}  # fmt: skip


@pytest.mark.parametrize("left", LEFT)
def test_what_a_worker_left_has_a_status_and_a_reason(left: str) -> None:
    what, status, why = LEFT[left]
    record = judge_worker(JOB, what, COUNTERS, (PEAK,)).record
    assert (record.status, record.detail) == (status, why)
    assert (record.values != {}) is (status == "ok" or why.endswith("reported"))


@pytest.mark.parametrize(
    ("verified", "status"),
    [(COUNTERS, "ok"), (None, "ok"), (structs.replace(COUNTERS, raw_bytes=11), "mismatch")],
)
@pytest.mark.parametrize("job", [JOB, CALLED], ids=["pipeline", "callable"])
def test_other_work_than_that_which_was_verified_is_no_measurement(
    job: Job, verified: Counters | None, status: str
) -> None:
    assert judge_worker(job, ending(*WHOLE), verified, (PEAK,)).record.status == status


@pytest.mark.parametrize(
    ("values", "status", "why"),
    [
        ({"heap_peak": 7.0}, "ok", ""),
        ({}, "damaged", "measured [], declared ['heap_peak']"),
        ({"heap_peak": 7.0, "x": 1.0}, "damaged", "measured ['heap_peak', 'x'], declared"),
        ({"heap_peak": math.nan}, "damaged", "a metric is not a number"),
        ({"heap_peak": math.inf}, "damaged", "a metric is not a number"),
        ({"heap_peak": 1e12}, "invalid", "heap_peak is 931.3 GiB, but only 1.0 GiB"),
    ],
)  # fmt: skip
def test_values_are_those_that_the_probe_declares(
    values: dict[str, float], status: str, why: str
) -> None:
    judged = judge_values(Record(job=JOB, status="ok", values=values), (PEAK,), 1 << 30)
    assert judged.status == status
    assert judged.detail.startswith(why)


READ = Capture(peak_bytes=7, holdings=[Holding("JSON", "a.py:1 f", 7)], timeline=[],
               attributed=True)  # fmt: skip


@pytest.mark.parametrize(
    ("found", "report", "status", "why"),
    [
        (READ, REPORT, "ok", ""),
        (structs.replace(READ, peak_bytes=8), REPORT, "damaged", "what was alive at the peak does"),
        (structs.replace(READ, attributed=False), REPORT, "invalid", "memray"),
        (READ, None, "damaged", "the capture cannot be read: its launcher was killed"),
        (
            READ, structs.replace(REPORT, ending="timeout"), "damaged",
            "the capture cannot be read: timeout",
        ),
    ],
)  # fmt: skip
def test_a_capture_counts_if_it_adds_up_and_was_attributed_to_the_end(
    found: Capture, report: LauncherReport | None, status: str, why: str
) -> None:
    capture = CaptureRef(path="c", size_bytes=1, sha256="0", metric="heap_peak", marked=True)
    record = judge_capture(Record(job=JOB, status="ok"), capture, ending(found, report=report))
    assert record.status == status
    assert why in record.detail
