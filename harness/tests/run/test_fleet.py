"""A run on an executor is the run that one machine would have made, whoever is lost on the way."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from harness.bench.generated import a_request as a_generated_request
from harness.bench.generated import iter_generated
from harness.cli.output import error_console
from harness.cli.run import _measured
from harness.cli.run_view import RunView
from harness.config import LOCAL
from harness.corpus import fixtures_directory
from harness.errors import (
    ConfigError,
    CorpusError,
    FetchFailed,
    HarnessError,
    OtherContent,
    StoreError,
)
from harness.loading import load_frames
from harness.records import Record
from harness.run import fleet
from harness.run.events import CellMeasured, Event, JobFinished, Problem
from harness.run.fleet import IN_FLIGHT, PAUSES_S, open_executor, run_fleet
from harness.run.frames import RECORD_REPLAY
from harness.run.request import RunRequest
from harness.run.resume import resume_on, resume_session
from harness.run.schedule import ALL_THERE
from harness.run.unit import Facts, UnitResult
from harness.store import COMPLETE, INTERRUPTED, read_manifest
from harness.store.progress import status_of
from harness.store.reader import RECORDS
from harness.store.writer import UNITS
from harness.tests.docs.checkout import document
from harness.text import counted

Answer = Callable[[str, Facts], UnitResult]


class MadeUp(Executor):
    """Answers without measuring; `answer` may raise as a lost worker does."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def submit(self, _: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        assert not kwargs
        request, facts = args
        (binary,) = request.binaries
        self.asked.append(binary.name)
        future: Future[Any] = Future()
        try:
            measured = self.answer(binary.name, facts)
            encoded = msgspec.json.Encoder().encode_lines(iter_generated(request))
            records = measured.records or encoded
            future.set_result(structs.replace(measured, records=records))
        except (BrokenProcessPool, HarnessError) as error:
            future.set_exception(error)
        return future


def whole(_: str, facts: Facts) -> UnitResult:
    return UnitResult(facts=facts)


@pytest.fixture
def request_of_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunRequest:
    """Return a request for binaries that nobody has, which a resume does not look at either."""
    monkeypatch.setattr("harness.run.resume._refuse_other_content", lambda _: None)
    return a_generated_request(3, tmp_path / "runs")


def binaries_in(run: Path) -> set[str]:
    return set(load_frames(run).samples["binary"])


def test_a_lost_binary_is_tried_again_and_a_poisonous_one_given_up_and_named(
    request_of_three: RunRequest,
) -> None:
    first, second, third = (one.name for one in request_of_three.binaries)

    def answer(name: str, facts: Facts) -> UnitResult:
        if name == first or (name == second and executor.asked.count(name) == 1):
            raise BrokenProcessPool("a worker is gone")
        return whole(name, facts)

    executor, events = MadeUp(answer), list[Event]()
    run = run_fleet(request_of_three, events.append, executor)
    tries = len(IN_FLIGHT)
    assert [executor.asked.count(name) for name in (first, second, third)] == [tries, 2, 1]
    manifest, frames = read_manifest(run), load_frames(run)
    assert manifest.state == COMPLETE
    said = f"{first}: given up after {tries} tries: BrokenProcessPool: a worker is gone"
    assert manifest.not_measured == [said]
    assert set(frames.failures["binary"]) == {first}
    assert set(frames.deliveries[frames.deliveries["status"] == "ok"]["binary"]) == {second, third}
    assert how_far(events) == [(1, 0), (2, 0), (3, 1)]
    told = status_of(run)
    assert (told.state, told.binaries, told.begun, told.progress) == ("complete", 3, 3, None)
    assert set(told.failed) == {first}


def how_far(events: list[Event]) -> list[tuple[int, int]]:
    """Return what was done and what had failed by then, each time that a binary was finished."""
    return [
        (event.far.done, event.far.failed) for event in events if isinstance(event, JobFinished)
    ]


def test_what_was_given_up_is_tried_again_by_a_resume_unless_its_content_is_another(
    request_of_three: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (one.name for one in request_of_three.binaries)
    faults = {
        first: OtherContent("it has another sha256"),
        second: ConfigError("needs fsspec"),
        third: BrokenProcessPool("a worker is gone"),
    }

    def answer(name: str, facts: Facts) -> UnitResult:
        if name in faults:
            raise faults[name]
        return whole(name, facts)

    run = run_fleet(request_of_three, lambda _: None, MadeUp(answer))
    assert len(read_manifest(run).not_measured) == 3
    del faults[second]  # somebody installed it
    executor, events = MadeUp(answer), list[Event]()
    resume_on(run, events.append, request_of_three, executor)
    assert set(executor.asked) == {second, third}
    assert how_far(events) == [(1, 1), (2, 2)]
    assert set(status_of(run).failed) == {first, third}
    del faults[third]
    resume_on(run, lambda _: None, request_of_three, MadeUp(answer))
    assert len((run / RECORDS).read_bytes().splitlines()) == 4 + 2 * 20
    (said,) = read_manifest(run).not_measured
    assert said.startswith(f"{first}: given up after 1 try: OtherContent: ")
    monkeypatch.setattr(fleet, "measure_unit", None)  # nothing is left to be measured
    assert resume_session(run, lambda _: None) == run
    with RunView(error_console(), quiet=True) as view:
        assert _measured(request_of_three, view, ALL_THERE, LOCAL, run) == run
    (run / UNITS).unlink()
    with pytest.raises(ConfigError, match="was not measured on an executor"):
        resume_on(run, lambda _: None, request_of_three, executor)
    assert set(status_of(run).failed) == {first}  # nothing of it was dropped


def killed_over_one(request: RunRequest, facts: Facts) -> UnitResult:
    """Stand in for `measure_unit` in a process of a pool."""
    if request.binaries[0].name == request.commit:
        os.kill(os.getpid(), signal.SIGKILL)
    return UnitResult(
        facts=facts, records=msgspec.json.Encoder().encode_lines(iter_generated(request))
    )


def test_a_binary_that_ends_its_process_takes_no_other_along_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool is broken as a whole: whoever waits in it is lost with the one to blame."""
    request = a_generated_request(6, tmp_path / "runs")
    poison = request.binaries[2].name
    request = structs.replace(request, commit=poison)
    monkeypatch.setattr(fleet, "measure_unit", killed_over_one)
    monkeypatch.setattr(fleet, "names", lambda _: ["pool"])
    monkeypatch.setattr(fleet, "load", lambda *_: lambda workers: ProcessPoolExecutor(int(workers)))
    with open_executor("pool=1") as executor:
        run = run_fleet(request, lambda _: None, executor)
    frames = load_frames(run)
    assert set(frames.failures["binary"]) == {poison}
    others = {one.name for one in request.binaries} - {poison}
    assert set(frames.samples[frames.samples["status"] == "ok"]["binary"]) == others
    (said,) = read_manifest(run).not_measured
    assert said.startswith(f"{poison}: given up after 3 tries: BrokenProcessPool: ")


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        pytest.param(CorpusError("it has another sha256"), 1, id="what the binary is"),
        pytest.param(ConfigError("needs fsspec"), 1, id="how the worker is set up"),
        pytest.param(FetchFailed("timed out"), 3, id="the network"),
        pytest.param(StoreError("no space left"), 3, id="the disk of a worker"),
    ],
)
def test_what_cannot_go_away_is_not_tried_again(
    fault: HarnessError, tries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is away is waited for."""
    waited: list[float] = []  # by others too
    monkeypatch.setattr("harness.run.fleet.time.sleep", waited.append)

    def answer(*_: object) -> UnitResult:
        raise fault

    executor = MadeUp(answer)
    run = run_fleet(a_generated_request(1, tmp_path), lambda _: None, executor)
    assert len(executor.asked) == tries
    assert (
        f"given up after {counted(tries, 'try', 'tries')}: " in read_manifest(run).not_measured[0]
    )
    away = isinstance(fault, FetchFailed)
    assert [one for one in waited if one >= PAUSES_S[1]] == [*PAUSES_S[1:]] * away


def test_a_run_whose_coordinator_was_lost_goes_on_with_what_is_not_whole(
    request_of_three: RunRequest,
) -> None:
    names = [one.name for one in request_of_three.binaries]

    def stop(event: Event) -> None:
        if isinstance(event, JobFinished) and event.far.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_fleet(request_of_three, stop, MadeUp(whole))
    (run,) = request_of_three.results.iterdir()
    lines = (run / UNITS).read_bytes().splitlines(keepends=True)
    (run / UNITS).write_bytes(lines[0] + lines[1][:5])  # the second was stored, but not told of
    executor = MadeUp(whole)
    resume_on(run, lambda _: None, request_of_three, executor)
    assert len(executor.asked) == 2
    assert binaries_in(run) == set(names)
    orders = load_frames(run).samples.drop_duplicates(["order"])
    assert len(orders) == len({(row.probe, row.order) for row in orders.itertuples()})
    assert len((run / RECORDS).read_bytes().splitlines()) == 3 * 20


def test_a_rejected_binary_of_a_replay_run_has_no_row_of_another_source_but_a_reason(
    request_of_three: RunRequest,
) -> None:
    """What could not be recorded says so of the source that it is recorded from."""
    text = request_of_three.binaries[0]
    request = structs.replace(request_of_three, sources=("replay",), binaries=[text])
    record = next(iter_generated(structs.replace(request, sources=("dwarf",))))
    job = structs.replace(record.job, arm="", probe=RECORD_REPLAY)
    refused = Record(job=job, status="rejected", detail="not an ELF file")
    result = f"{text.name}: rejected: not an ELF file"

    def measure(_: str, facts: Facts) -> UnitResult:
        encoded = msgspec.json.Encoder().encode_lines([refused])
        return UnitResult(facts=facts, records=encoded, not_measured=[result])

    events: list[Event] = []
    run_fleet(request, events.append, MadeUp(measure))
    assert not [event for event in events if isinstance(event, CellMeasured)]
    assert [event for event in events if isinstance(event, Problem)] == [Problem(text.name, result)]


def test_an_interrupt_ends_what_is_measured_here_and_loses_nothing_before_it(
    request_of_three: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def interrupted_in_the_second(request: RunRequest, facts: Facts) -> UnitResult:
        asked.append(request.binaries[0].name)
        if len(asked) == 2:
            raise KeyboardInterrupt
        records = msgspec.json.Encoder().encode_lines(iter_generated(request))
        return UnitResult(facts=facts, records=records)

    monkeypatch.setattr(fleet, "measure_unit", interrupted_in_the_second)
    with pytest.raises(KeyboardInterrupt), open_executor(LOCAL) as executor:
        run_fleet(request_of_three, lambda _: None, executor)
    (run,) = request_of_three.results.iterdir()
    assert read_manifest(run).state == INTERRUPTED
    assert binaries_in(run) == {asked[0]}


def test_an_executor_that_ends_ends_the_run_which_can_go_on(request_of_three: RunRequest) -> None:
    """As Dask's does when its scheduler is gone: it takes back what it was to measure."""

    class Ending(MadeUp):
        def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            future = super().submit(function, *args, **kwargs)
            if len(self.asked) == 1:
                return future
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    with pytest.raises(HarnessError, match="the executor has ended") as ended:
        run_fleet(request_of_three, lambda _: None, Ending(whole))
    assert ended.value.remedy == "start it again, and go on with --resume"
    (run,) = request_of_three.results.iterdir()
    assert (read_manifest(run).state, len(binaries_in(run))) == (INTERRUPTED, 1)


def test_times_from_another_machine_are_marked_in_every_record(
    request_of_three: RunRequest,
) -> None:
    far = request_of_three.binaries[0].name

    def answer(name: str, facts: Facts) -> UnitResult:
        rig = facts.rig | {"cpu": "another"}
        other = structs.replace(facts, rig=rig, rig_fingerprint="f00d")
        return UnitResult(facts=other if name == far else facts)

    run = run_fleet(request_of_three, lambda _: None, MadeUp(answer))
    samples = load_frames(run).samples
    assert set(samples[samples["rig"] == "f00d"]["binary"]) == {far}
    assert read_manifest(run).rigs["f00d"]["cpu"] == "another"


@pytest.mark.parametrize(
    ("name", "remedy"), [("lokal", "did you mean 'local'?"), ("x=tcp://a", "known: local, ")]
)
def test_an_executor_that_is_not_there_is_told_from_all_that_are(name: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_executor(name)
    assert caught.value.remedy.startswith(remedy)


def test_the_program_in_the_documentation_runs_on_an_executor_of_its_own(tmp_path: Path) -> None:
    fs = pytest.importorskip("fsspec").filesystem("memory")
    fs.pipe("/fleet/one.so", (fixtures_directory() / "binaries/c/dwarf5.so").read_bytes())
    (block,) = re.findall(r"```python\n(from pathlib.*?)```", document("docs/fleet.md"), re.DOTALL)
    space: dict[str, Any] = {}
    exec(compile(block, "docs/fleet.md", "exec", dont_inherit=True), space)  # noqa: S102  ours
    run = space["measured"]("memory://fleet", MadeUp(whole), tmp_path)
    assert binaries_in(run) == {"one.so"}
