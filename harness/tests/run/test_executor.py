"""Damage never looks like success: every real fault of a worker ends as a status, not a number."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from harness.intake import COUNT_PATH, VERIFY_PATH
from harness.intake.process import Intake, confirm
from harness.records import Counters, Job, Record
from harness.run.child import Child, Spec
from harness.run.executor import Settings, iter_records
from harness.tests.waiting import wait_until

MakeJob = Callable[..., Job]


def run(job: Job, settings: Settings) -> Record:
    (record,) = iter_records([job], settings)
    return record


def faulty(name: str) -> str:
    return f"harness.tests.run.faulty:{name}"


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.fixture(scope="module")
def known() -> dict[str, Counters]:
    """Return what a whole delivery is, once a test has made one."""
    return {}


@pytest.mark.parametrize(
    ("pipeline", "status", "reason"),
    [
        ("exits", "crashed", "exit code 7"),
        ("is_killed", "crashed", "killed by SIGKILL"),
        ("is_terminated", "crashed", "killed by SIGTERM"),
        ("segfaults", "crashed", "killed by SIGSEGV"),
        ("raises", "crashed", "ZeroDivisionError: on purpose"),
        ("rejects", "rejected", "a.out: not fit"),
        ("fills_memory", "oom", "MemoryError"),
        ("complains_like_memray", "damaged", "Memray ERROR"),
        ("truncates_capture", "damaged", "not what its worker left"),
        ("changes_capture", "damaged", "not what its worker left"),
        ("says_half_a_line_more", "damaged", "cannot be read"),
        ("overstates_itself", "mismatch", "it claims"),
        ("overstates_itself", "mismatch", "\ncounted one too many"),
        ("swallows_everything", "mismatch", "the verification run"),
        ("drops_a_scope", "mismatch", "the verification run"),
    ],
)
def test_a_fault_in_a_worker_becomes_a_status_with_a_reason(  # noqa: PLR0917
    known: dict[str, Counters],
    job: MakeJob,
    settings: Settings,
    pipeline: str,
    status: str,
    reason: str,
) -> None:
    if not (whole := known.get("whole")):
        whole = run(job(), settings).counters
        assert whole is not None
        known["whole"] = whole
    probe = "memray" if "capture" in pipeline or "memray" in pipeline else "bare"
    spoilt = job(1, probe=probe, pipeline=faulty(pipeline))
    settings = msgspec.structs.replace(settings, expected={spoilt.cell: whole})
    record = run(spoilt, settings)
    assert record.status == status
    assert reason in record.detail


def test_a_limit_of_the_address_space_ends_as_oom(job: MakeJob, settings: Settings) -> None:
    settings = msgspec.structs.replace(settings, address_space_bytes=1 << 30)
    record = run(job(pipeline=faulty("fills_memory")), settings)
    assert record.status == "oom"


def test_a_timeout_kills_the_worker_and_its_descendants_in_whatever_session(
    job: MakeJob, settings: Settings
) -> None:
    hanging = job(pipeline=faulty("hangs"), timeout_s=4.0)
    notes = Path(hanging.scratch, "pids")
    records = iter_records([hanging], settings)
    with subprocess.Popen(  # reads the pids before the scratch directory is gone
        [sys.executable, "-c", READ_PIDS, str(notes)], stdout=subprocess.PIPE, text=True
    ) as reader:
        (record,) = records
        assert reader.stdout is not None
        pids = [int(pid) for pid in reader.stdout.read().split()]
    assert record.status == "timeout"
    assert len(pids) == 3
    assert not [pid for pid in pids if is_alive(pid)]


READ_PIDS = """
import sys, time
from pathlib import Path
for _ in range(600):
    text = Path(sys.argv[1]).read_text() if Path(sys.argv[1]).exists() else ""
    if len(text.split()) == 3:
        print(text)
        break
    time.sleep(0.05)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_the_parent(
    job: MakeJob, settings: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    hanging = job(pipeline=faulty("hangs"))
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdin is not None
    parent.stdin.write(msgspec.json.encode({"job": hanging, "work": settings.work}))
    parent.stdin.close()
    notes = Path(hanging.scratch, "pids")
    assert wait_until(lambda: notes.exists() and len(notes.read_text().split()) == 3)
    pids = [int(pid) for pid in notes.read_text().split()]
    parent.send_signal(number)
    parent.wait()
    assert wait_until(lambda: not any(is_alive(pid) for pid in pids))


PARENT = """
import sys, msgspec
from harness.records import Job
from harness.run.child import Child, Spec
from harness.run.executor import Settings, iter_records
from harness.tests.run.conftest import TRAITS
given = msgspec.json.decode(sys.stdin.buffer.read())
job = msgspec.convert(given["job"], Job)
list(iter_records([job], Settings(work=given["work"], traits=TRAITS)))
"""


def test_what_a_worker_leaves_behind_is_killed(job: MakeJob, settings: Settings) -> None:
    leaving = job(pipeline=faulty("leaves_child"))
    notes = Path(leaving.scratch, "pids")
    with subprocess.Popen(
        [sys.executable, "-c", READ_PIDS.replace("== 3", "== 1"), str(notes)],
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        record = run(leaving, settings)
        assert reader.stdout is not None
        noted = reader.stdout.readline()
    assert record.status == "ok"
    assert noted == "" or not is_alive(int(noted))


def test_a_killed_launcher_takes_its_worker_along(job: MakeJob, settings: Settings) -> None:
    hanging = job(pipeline=faulty("hangs"))
    notes = Path(hanging.scratch, "pids")
    with subprocess.Popen([sys.executable, "-c", KILL_LAUNCHER, str(notes)]):
        record = run(hanging, settings)
    assert record.status == "crashed"
    assert "launcher was killed" in record.detail


KILL_LAUNCHER = (
    READ_PIDS.replace("print(text)", "worker, *others = map(int, text.split())")
    + """
import os, signal
from pathlib import Path
fields = Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()
os.kill(int(fields[1]), signal.SIGKILL)
for pid in others:
    os.kill(pid, signal.SIGKILL)
"""
)


def test_leaving_the_iterator_kills_what_runs(job: MakeJob, settings: Settings) -> None:
    hanging = job(1, pipeline=faulty("hangs"))
    records = iter_records([job(0), hanging], settings)
    assert next(records).status == "ok"
    notes = Path(hanging.scratch, "pids")
    assert wait_until(lambda: notes.exists() and len(notes.read_text().split()) == 3)
    pids = [int(pid) for pid in notes.read_text().split()]
    records.close()
    assert not [pid for pid in pids if is_alive(pid)]
    assert not Path(hanging.scratch).exists()


def test_a_verification_run_is_confirmed_by_the_intake(
    job: MakeJob, settings: Settings, intake: Intake
) -> None:
    """Digest and counts come from what arrived; both arms deliver the same."""
    digests = set()
    for order, arm in enumerate(("legacy", "streaming")):
        verifying = job(
            order,
            arm=arm,
            pipeline=f"harness.pipelines.{arm}:run",
            intake_url=intake.url + VERIFY_PATH,
            upload_id=f"0f5c1a2e-0000-4000-8001-{order:012d}",
        )
        record = confirm(run(verifying, settings), intake)
        assert (record.status, record.detail) == ("ok", "")
        digests.add(record.digest)
    assert len(digests) == 1


def test_a_pipeline_that_delivers_nothing_it_claims_is_found_out(
    job: MakeJob, settings: Settings, intake: Intake
) -> None:
    url = intake.url + VERIFY_PATH
    record = run(job(pipeline=faulty("drops_a_scope"), intake_url=url), settings)
    assert record.counters is not None
    record.counters.scopes += 10
    assert confirm(record, intake).status == "mismatch"


@pytest.mark.parametrize(
    ("pipeline", "status"),
    [
        ("harness.pipelines.streaming:run", "ok"),
        ("harness.bench.planted:posts_nothing", "mismatch"),
    ],
)
def test_measured_replicates_of_one_cell_are_each_held_against_the_intake(
    job: MakeJob, settings: Settings, intake: Intake, pipeline: str, status: str
) -> None:
    """They share an upload id, because it is part of the payload, and are told apart by folder."""
    for order in (3, 4):
        url = f"{intake.url}/{order:07d}{COUNT_PATH}"
        upload_id = "0f5c1a2e-0000-4000-8002-000000000000"
        posting = job(order, probe="bare", pipeline=pipeline, intake_url=url, upload_id=upload_id)
        record = confirm(run(posting, settings), intake)
        assert record.status == status, record.detail


def test_the_worker_starts_in_an_empty_directory_with_a_fixed_environment(
    job: MakeJob, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONMALLOC", "debug")
    monkeypatch.setenv("SECRET", "leaks")
    record = run(job(pipeline=faulty("check")), settings)
    assert (record.status, record.detail) == ("ok", "")
    assert not list(Path(settings.work).iterdir())


def test_a_child_has_fixed_addresses_and_a_session_of_its_own(tmp_path: Path) -> None:
    """Without address randomisation, and out of reach of a terminal's Ctrl-C."""
    code = (
        "import os\n"
        "own = os.getsid(0) == os.getpid() == os.getpgrp()\n"
        "personality = open('/proc/self/personality').read().strip()\n"
        "os.write(3, f'{own} {personality} {os.getcwd()}\\n'.encode())\n"
    )
    child = Child(
        Spec(argv=[sys.executable, "-c", code], env={}, cwd=str(tmp_path), input="", timeout_s=30.0)
    )
    while not child.ended:
        ready, _, _ = select.select(list(child.pipes), [], [])
        for pipe in ready:
            child.read(pipe)
    ending = child.ending()
    assert ending.report is not None
    assert ending.report.exit_code == 0
    assert ending.lines == [f"True 00040000 {tmp_path}".encode()]


class Asking:
    """A queue that asks once, beside the first of its jobs, which of the others might start."""

    def __init__(self, first: Job, others: list[Job]) -> None:
        self.first, self.others, self.admitted = first, others, set[int]()
        self._taken = 0

    @property
    def waits(self) -> bool:
        return self._taken < 2

    def take(self, admits: Callable[[Job], bool]) -> Job | None:
        self._taken += 1
        if self._taken == 1:
            return self.first
        self.admitted |= {job.order for job in self.others if admits(job)}
        return None


@pytest.mark.parametrize(
    ("first", "beside"),
    [
        pytest.param(0, {1}, id="a paired one, beside the same replicate of the other arm"),
        pytest.param(3, set(), id="one that is alone"),
        pytest.param(4, {5}, id="one whose numbers depend on nobody else"),
    ],
)
def test_who_shares_the_machine(
    job: MakeJob, settings: Settings, first: int, beside: set[int]
) -> None:
    jobs = [
        job(0, probe="bare", paired=True, arm="legacy"),
        job(1, probe="bare", paired=True),
        job(2, probe="bare", paired=True, replicate=1),
        job(3, probe="bare", replicate=2),
        job(4, probe="peak"),
        job(5, probe="memray"),
    ]
    queue = Asking(jobs[first], [one for one in jobs if one.order != first])
    assert [record.job.order for record in iter_records(queue, settings)] == [first]
    assert queue.admitted == beside
