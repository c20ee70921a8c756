"""Which job may start, and what an earlier run makes unnecessary."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from msgspec import structs

from harness.bench import generated
from harness.intake import COUNT_PATH, VERIFY_PATH
from harness.loading import load_frames
from harness.records import VERIFY, Counters, Job, Record
from harness.run.events import Event, RunStarted
from harness.run.extensions import arms_by_name
from harness.run.frames import RECORD_REPLAY
from harness.run.plan import RunContext, plan
from harness.run.request import RunRequest, aside_of
from harness.run.schedule import Schedule
from harness.run.session import run_session
from harness.tests.run.test_plan import AROUND, a_binary
from harness.tests.run.test_plan import a_request as a_plain_request
from harness.tests.run.test_session import a_request, real_binary


class Coming(set[str]):
    """What has arrived of binaries that are on their way, or being built."""

    is_fetching = False

    def has_arrived(self, name: str) -> bool:
        return name in self


def everything(_: Job) -> bool:
    return True


def nothing(_: Job) -> bool:
    return False


def done(job: Job, status: str = "ok") -> Record:
    return Record(job=job, status=status, counters=Counters(scopes=1), values={"heap_peak": 1.0})


def take_in(schedule: Schedule, record: Record) -> None:
    """Add a record as a session does: what it shows of a delivery first."""
    shown = schedule.shown_by(record)
    if shown is not None:
        schedule.add(shown)
    if shown is None or shown.status == "ok":
        schedule.add(record)


def drained(schedule: Schedule) -> list[Job]:
    """Return every job that may start, each of which succeeds before the next is asked for."""
    taken = []
    while job := schedule.take(everything):
        taken.append(job)
        take_in(schedule, done(job))
    return taken


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    return structs.replace(AROUND, replays={name: str(tmp_path / name) for name in "ab"})


def a_schedule(request: RunRequest, context: RunContext, **arguments: object) -> Schedule:
    context = structs.replace(context, request=request)
    return Schedule(context, plan(context).jobs, **arguments)  # type: ignore[arg-type]


def test_nothing_is_measured_before_its_delivery_is_verified(context: RunContext) -> None:
    schedule = a_schedule(a_plain_request(sources=("dwarf",), probes=("bare",)), context)
    first = [schedule.take(everything) for _ in range(3)]
    assert [job.probe for job in first if job] == [VERIFY, VERIFY]
    assert first[0] is not None
    take_in(schedule, done(first[0]))
    job = schedule.take(everything)
    assert job is not None
    assert (job.arm, job.probe) == (first[0].arm, "bare")


def test_the_first_replicate_of_an_exact_headline_is_its_verification(context: RunContext) -> None:
    schedule = a_schedule(a_plain_request(sources=("dwarf",), probes=("peak", "gc")), context)
    first = [job for _ in range(9) if (job := schedule.take(everything))]
    assert [(job.probe, job.replicate) for job in first] == [("peak", 0), ("peak", 0)]
    take_in(schedule, done(first[0]))
    cell = [record.job.probe for record in schedule.all_records()]
    assert cell == [VERIFY, "peak"]
    second = schedule.take(everything)
    assert second is not None
    assert (second.arm, second.probe, second.replicate) == (first[0].arm, "peak", 1)
    assert len(second.intake_url) == len(first[0].intake_url)
    assert second.intake_url.endswith(COUNT_PATH)
    assert first[0].intake_url.endswith(VERIFY_PATH)


@pytest.mark.parametrize("status", ["crashed", "timeout", "oom", "damaged", "invalid"])
def test_what_may_be_the_instruments_fault_is_verified_on_its_own(
    status: str, context: RunContext
) -> None:
    schedule = a_schedule(a_plain_request(sources=("dwarf",), probes=("peak", "gc")), context)
    first = schedule.take(everything)
    assert first is not None
    take_in(schedule, done(first, status))
    verification = schedule.take(everything)
    assert verification is not None
    assert (verification.cell, verification.probe) == (first.cell, VERIFY)
    take_in(schedule, done(verification))
    assert [job.probe for job in drained(schedule) if job.cell == first.cell] == ["peak", "gc"]
    assert not schedule.waits


@pytest.mark.parametrize("status", ["mismatch", "rejected"])
@pytest.mark.parametrize("probes", [("peak", "gc"), ("gc",)])
def test_an_arm_that_delivers_something_else_is_dropped(
    status: str, probes: tuple[str, ...], context: RunContext
) -> None:
    schedule = a_schedule(a_plain_request(sources=("dwarf",), probes=probes), context)
    planned = schedule.progress.total
    first = [job for _ in range(2) if (job := schedule.take(everything))]
    take_in(schedule, done(first[0], status))
    take_in(schedule, done(first[1]))
    drained(schedule)
    found = schedule.all_records()
    assert [one.job.probe for one in found if one.job.arm == first[0].arm] == [VERIFY]
    assert [one.job.arm for one in found if one.status != "ok"] == [first[0].arm]
    assert not schedule.waits
    assert schedule.progress.total == planned // 2
    assert schedule.is_measured("dwarf")


def test_what_was_interrupted_between_a_failure_and_its_verification_is_verified(
    context: RunContext,
) -> None:
    request = a_plain_request(sources=("dwarf",))
    first = a_schedule(request, context).take(everything)
    assert first is not None
    again = a_schedule(request, context, past=[done(first, "crashed")])
    job = again.take(everything)
    assert job is not None
    assert (job.cell, job.probe) == (first.cell, VERIFY)


def test_where_nothing_can_be_replayed_nothing_stands_in(context: RunContext) -> None:
    schedule = a_schedule(a_plain_request(sources=("replay",)), context)
    recording = schedule.take(everything)
    assert recording is not None
    assert recording.probe == RECORD_REPLAY
    assert schedule.take(everything) is None
    take_in(schedule, done(recording, "rejected"))
    assert schedule.take(everything) is None
    assert not schedule.waits
    assert not schedule.progress.total
    assert schedule.is_measured("replay")


def test_packages_are_written_by_themselves_when_the_arm_that_should_leave_them_fails(
    context: RunContext,
) -> None:
    schedule = a_schedule(a_plain_request(), context)
    first = schedule.take(everything)
    assert first is not None
    assert first.replay
    take_in(schedule, done(first, "crashed"))
    again = schedule.take(everything)
    assert again is not None
    assert again.probe == RECORD_REPLAY


def test_a_binary_on_its_way_holds_up_no_other_and_the_quiet_comes_last(
    context: RunContext,
) -> None:
    there = Coming({"b"})
    request = a_plain_request(
        binaries=[a_binary("a"), a_binary("b")], sources=("dwarf",), probes=("peak", "bare")
    )
    schedule = a_schedule(request, context, supply=there)
    taken = drained(schedule)
    assert {job.binary for job in taken} == {"b"}
    assert {job.probe for job in taken} == {"peak"}
    assert schedule.waits
    there.add("a")
    taken += drained(schedule)
    assert not schedule.waits
    assert {job.binary for job in taken if job.probe == "bare"} == {"a", "b"}


@pytest.mark.parametrize("sources", [("replay", "dwarf"), ("dwarf",)])
def test_while_binaries_are_built_only_what_the_first_verdict_waits_for_is_measured(
    context: RunContext, sources: tuple[str, ...]
) -> None:
    context = structs.replace(context, recorded=frozenset(context.replays.values()))
    supply = Coming({"a"})
    supply.is_fetching = True
    request = a_plain_request(
        binaries=[a_binary("a"), a_binary("b")], sources=sources, probes=("peak", "gc")
    )
    schedule = a_schedule(request, context, supply=supply)
    taken = drained(schedule)
    assert {(job.binary, job.probe) for job in taken} >= {("a", "peak")}
    assert {job.source for job in taken if job.probe == "peak"} == {sources[0]}
    assert {job.probe for job in taken} <= {"peak", VERIFY, RECORD_REPLAY}
    supply.add("b")
    supply.is_fetching = False
    taken += drained(schedule)
    assert not schedule.waits
    assert {job.source for job in taken if job.probe == "gc"} == set(sources)


def test_each_binary_and_source_is_told_of_once(context: RunContext) -> None:
    schedule = a_schedule(a_plain_request(sources=("dwarf",)), context)
    told = []
    while job := schedule.take(everything):
        take_in(schedule, done(job))
        told += schedule.take_measured()
    assert told == [("a", "dwarf")]
    assert schedule.is_measured("dwarf")


def test_what_is_measured_aside_holds_up_no_verdict(context: RunContext) -> None:
    """The pipelines alone are told of before anything is extracted under an instrument."""
    plain = a_plain_request(arms=arms_by_name(["legacy", "streaming"]), probes=("peak",))
    recorded = structs.replace(context, recorded=frozenset(context.replays.values()))
    schedule = a_schedule(structs.replace(plain, aside=aside_of(plain)), recorded)
    told: dict[tuple[str, str], bool] = {}
    while job := schedule.take(everything):
        take_in(schedule, done(job))
        told |= dict.fromkeys(schedule.take_measured(), schedule.waits)
    assert list(told.items()) == [(("a", "replay"), True), (("a", "dwarf"), True)]


def test_what_an_earlier_run_has_verified_is_not_verified_again_unless_asked(
    tmp_path: Path,
) -> None:
    binary = real_binary(tmp_path, "c/dwarf5.so", "lib.so")
    first = a_request(tmp_path, binary, probes=("peak",), replicates={"peak": 1})
    once = load_frames(run_session(first, lambda _: None))
    for fresh, reused in ((False, 4), (True, 0)):
        events: list[Event] = []
        again = load_frames(run_session(structs.replace(first, fresh=fresh), events.append))
        assert isinstance(events[0], RunStarted)
        assert events[0].reused == reused
        assert set(again.deliveries["digest"]) == set(once.deliveries["digest"])
        assert len(again.deliveries) == 4
        values = ["binary", "arm", "source", "metric", "value"]
        peaks = [frames.samples.query("metric == 'heap_peak'")[values] for frames in (once, again)]
        assert sorted(peaks[0].to_numpy().tolist()) == sorted(peaks[1].to_numpy().tolist())


def calls_for(binaries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many Python functions were called to schedule so many binaries."""
    request = generated.a_request(binaries, tmp_path)
    context = generated.context_of(request)
    monkeypatch.setattr("harness.run.schedule.check_replay", Path)
    schedule = a_schedule(request, context)
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        while job := schedule.take(everything):
            if context.traits[job.probe].alone:  # a pool asks again and again while it runs
                assert schedule.take(nothing) is None
            take_in(schedule, generated.record_of(job, 1_000_000))
            assert not (schedule.is_measured("dwarf") and schedule.waits and job.probe == VERIFY)
    finally:
        sys.setprofile(None)
    assert not schedule.waits
    return calls


def test_what_is_done_for_one_binary_does_not_grow_with_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = (calls_for(binaries, tmp_path, monkeypatch) for binaries in (10, 40))
    assert many < 4.5 * few


def test_the_other_arm_of_a_pair_is_found_and_nothing_else_beside_what_is_alone(
    context: RunContext,
) -> None:
    request = a_plain_request(
        binaries=[a_binary("a"), a_binary("b")], sources=("dwarf",), probes=("bare",)
    )
    schedule = a_schedule(request, context)
    taken = [job for _ in range(4) if (job := schedule.take(everything))]
    assert {job.probe for job in taken} == {VERIFY}
    for job in taken:
        take_in(schedule, done(job))
    running = schedule.take(everything)
    assert running is not None
    beside = schedule.take(lambda job: job.binary == running.binary)
    assert beside is not None
    assert (beside.replicate, {beside.arm, running.arm}) == (0, {"legacy", "streaming"})
    assert schedule.take(lambda job: job.binary != running.binary) is None
    assert schedule.take(everything) is not None


def test_what_needs_the_machine_waits_for_the_last_binary_to_arrive(tmp_path: Path) -> None:
    request = structs.replace(
        generated.a_request(3, tmp_path), probes=("bare",), sources=("dwarf",)
    )
    context = generated.context_of(request)
    arrived = Coming()
    jobs = [job for job in plan(context).jobs if job.probe == "bare"]
    schedule = Schedule(context, jobs, supply=arrived)
    schedule.expected = {job.cell: Counters() for job in jobs}
    for binary in request.binaries:
        assert schedule.take(everything) is None
        arrived.add(binary.name)
    assert schedule.take(everything) is not None
