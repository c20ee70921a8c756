"""`harness limit` on real processes that the kernel kills: the edge moves by what is held."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import astuple, replace

from harness.config import LIMIT, MIB, LimitOptions, PipelineOptions
from harness.errors import ConfigError
from harness.limits.backend import Backend
from harness.limits.choice import find_backends, metric_of
from harness.limits.edge import FAILED, KILLED, SURVIVED, THRASHED
from harness.limits.found import PROBE, Found
from harness.loading import iter_complete, load_frames
from harness.records import VERIFY, Arm, Binary, Record
from harness.run.events import Event, LimitTried
from harness.run.executor import CHARGED, OOM_KILLS
from harness.run.limit import blamed, free_runs, outcome_of
from harness.run.request import RunRequest, request_of
from harness.run.resume import resume_session
from harness.run.session import run_session
from harness.stats.limits import found_limits
from harness.stats.repeat import repeat_command
from harness.stats.trends import trends_of
from harness.store import COMPLETE, read_run
from harness.tests.cli.conftest import Harness, harness, inside
from harness.tests.commands import HARNESS
from harness.tests.described import assert_described
from harness.tests.limits.test_backends import group_of, groups_in, is_gone
from harness.tests.store.records import a_job
from harness.tests.symbols.binaries import FIXTURES
from harness.tests.waiting import wait_until

__all__ = ["harness", "inside"]

INPUT = FIXTURES / "c" / "dwarf5.so"
HOLDING = "harness.tests.limits.holding"
USABLE = [one for one in find_backends() if not one.missing]


def request(results: Path, limits: LimitOptions, *arms: Arm) -> RunRequest:
    made = request_of(LIMIT, list(arms), PipelineOptions(), [], kind="limit")
    size = INPUT.stat().st_size
    binary = Binary(
        name="lib", path=str(INPUT), sha256=sha256(INPUT.read_bytes()).hexdigest(), size_bytes=size
    )
    fields = {name: getattr(made, name) for name in RunRequest.__struct_fields__}
    fields |= {"binaries": [binary], "results": results, "cache": results.parent / "cache"}
    fields |= {"probes": ("bare",) if limits.under_bytes else LIMIT.probes, "memory_limits": limits}
    return RunRequest(**fields)


def tried(results: Path, under: int, backend: str, *arms: Arm) -> tuple[Path, list[Found]]:
    asked = LimitOptions(backend=backend, replicates=2)
    if under:
        asked = LimitOptions(backend=backend, replicates=1, under_bytes=(under,))
    path = run_session(request(results, asked, *arms), lambda _: None)
    return path, found_limits(load_frames(path))


def arm(name: str, module: str = HOLDING) -> Arm:
    return Arm(name=name, pipeline=f"{module}:{name}")


STREAMING = Arm(name="streaming", pipeline="harness.pipelines.streaming:run")


@pytest.mark.parametrize("backend", [one.name for one in USABLE])
def test_who_holds_more_than_the_limit_is_killed_and_the_other_delivers(
    tmp_path: Path, backend: str
) -> None:
    arms = (STREAMING, arm("holds_64"), arm("child_holds_64"))
    path, found = tried(tmp_path / "runs", 72 * MIB, backend, *arms)
    assert [one.at(72 * MIB) for one in found] == ["survived", "killed", "killed"]
    assert [bool(one.free_rss_bytes) for one in found] == [True, True, False]
    run = read_run(path)
    assert run.manifest.state == COMPLETE
    records = [one for one in run.records if one.job.probe == PROBE]
    statuses = {one.job.arm: one.status for one in records}
    assert statuses == {"streaming": "ok", "holds_64": "oom", "child_holds_64": "oom"}
    attempts = [one.attempt for one in records if one.attempt]
    assert len(attempts) == 3
    assert {(one.backend, one.limit_bytes) for one in attempts} == {(backend, 72 * MIB)}
    if backend.startswith("cgroup"):
        assert all(0 < (one.peak_bytes or 0) <= 72 * MIB for one in attempts)


@pytest.mark.slow
@pytest.mark.parametrize("backend", [one.name for one in USABLE])
def test_the_limit_moves_by_what_is_held_and_by_nothing_else(tmp_path: Path, backend: str) -> None:
    """Ten searches of the same pipeline are at most a grain apart."""
    same = [replace(STREAMING, name=f"again_{turn}") for turn in range(10)]
    _, found = tried(tmp_path / "runs", 0, backend, *same, arm("holds_8"), arm("child_holds_8"))
    assert not [one.problem for one in found if one.problem]
    *alike, more, in_child = [one.edge.survives_bytes for one in found if one.edge]
    assert len(alike) == 10
    assert max(alike) - min(alike) <= MIB
    assert more - min(alike) == pytest.approx(8 * MIB, abs=MIB)
    assert in_child - min(alike) == pytest.approx(9 * MIB, abs=MIB)  # the pages it changed, too


@pytest.mark.slow
@pytest.mark.parametrize("backend", [one.name for one in USABLE if one.counts_kills])
def test_who_needs_its_page_cache_thrashes_instead_of_being_killed(
    tmp_path: Path, backend: str
) -> None:
    """Every page that it reads again was taken back in the meantime; there is no swap."""
    path, found = tried(tmp_path / "runs", 40 * MIB, backend, STREAMING, arm("rereads_64"))
    assert [one.at(40 * MIB) for one in found] == [SURVIVED, THRASHED]
    (*_, last) = read_run(path).records
    assert last.status == "timeout"


def test_a_candidate_that_is_killed_ends_the_command_with_3(
    inside: Harness, tmp_path: Path
) -> None:
    done = inside("limit", INPUT, "--under", "4 MiB", "--json", "--results", tmp_path / "runs")
    assert done.returncode == 3, done.stderr
    assert "streaming does not survive 4.0 MiB on dwarf5.so — raise the limit: " in done.stderr
    document = json.loads(done.stdout)
    assert_described("limit.json", document)
    assert [one["attempts"][0]["outcome"] for one in document["found"]] == [KILLED, KILLED]


def test_a_limit_is_tried_once_or_as_often_as_was_asked_for_and_never_searched(
    inside: Harness, tmp_path: Path
) -> None:
    common = ("limit", INPUT, "--under", "64 MiB", "--results", tmp_path / "runs")
    done = inside(*common, "--replicates", "2", "--arm", "streaming", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["found"][0]["attempts"]) == 2
    done = inside(*common, "--grain", "2 MiB")
    assert done.returncode == 2
    assert "--under searches none — leave one of them out" in done.stderr


def test_where_no_binary_can_be_read_there_is_no_answer(inside: Harness, tmp_path: Path) -> None:
    stripped = FIXTURES / "c" / "stripped.so"
    done = inside("limit", stripped, "--under", "64 MiB", "--results", tmp_path / "runs")
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("no DWARF: it has no .debug_info") == 1
    assert done.stdout.count("not known") == 2


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_nothing_outlives_a_command_that_is_stopped_and_nothing_found_is_lost(
    harness: Harness, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    backend, results = USABLE[0], tmp_path / "work" / "runs"
    if not backend.parent:
        pytest.skip("no cgroup here")
    options = [str(INPUT), "--arm", "streaming", "--replicates", "1", "--results", str(results)]
    command = [*HARNESS, "limit", *options]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    places = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(temporary)}
    environment = {**os.environ, **places}
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    groups: dict[str, Path | None] = {}

    def is_limiting() -> bool:
        groups.clear()
        groups.update((pid, group_of(pid, backend)) for pid in children.read_text().split())
        stored = list(results.glob("*/records.jsonl"))
        return any(groups.values()) and bool(stored) and '"attempt"' in stored[0].read_text()

    assert wait_until(is_limiting)
    parent.send_signal(number)
    _, said = parent.communicate()
    assert parent.returncode == code
    assert wait_until(lambda: not groups_in(backend).intersection(groups.values()))
    assert wait_until(lambda: all(map(is_gone, groups)) and not list(temporary.iterdir()))
    (run,) = results.iterdir()
    tried_before = len(attempts_of(run))
    assert number != signal.SIGINT or f"--resume {run}" in said
    done = harness("limit", *options, "--resume", run)
    assert done.returncode == 0, done.stderr
    limits = attempts_of(run)
    assert tried_before <= len(limits) == len(set(limits))


def attempts_of(run: Path) -> list[int]:
    return [one.attempt.limit_bytes for one in read_run(run).records if one.attempt]


OUTCOMES = [
    ("cgroup_v1", "crashed", "killed by SIGKILL", 1, KILLED),
    ("cgroup_v1", "crashed", "killed by SIGKILL", 0, FAILED),
    ("cgroup_v1", "oom", "MemoryError", 0, FAILED),
    ("cgroup_v1", "ok", "", 0, SURVIVED),
    ("cgroup_v1", "timeout", "", 0, THRASHED),
    ("cgroup_v1", "mismatch", "", 0, FAILED),
    ("rlimit_data", "oom", "MemoryError", 7, KILLED),
    ("rlimit_data", "crashed", "exit code 127", 0, KILLED),
    ("rlimit_data", "crashed", "killed by SIGSEGV", 0, KILLED),
    ("rlimit_data", "crashed", "killed by SIGKILL", 7, FAILED),
    ("rlimit_data", "crashed", "its launcher was killed", 0, FAILED),
    ("rlimit_data", "invalid", "in a child: MemoryError", 0, KILLED),
    ("rlimit_data", "mismatch", "", 0, FAILED),
    ("rlimit_data", "ok", "", 0, SURVIVED),
]


@pytest.mark.parametrize(("backend", "status", "detail", "kills", "outcome"), OUTCOMES)
def test_an_attempt_was_killed_only_when_the_kernel_says_so_or_refused(
    backend: str, status: str, detail: str, kills: int, outcome: str
) -> None:
    values = {OOM_KILLS: float(kills)}
    made = Record(job=a_job(), status=status, detail=detail, values=values)
    known = Backend(name=backend, counts_kills=backend != "rlimit_data")
    assert outcome_of(made, known) == outcome


@pytest.mark.parametrize(
    ("limit", "peak", "kills", "outcome"),
    [
        (64, 64, 1, KILLED),
        (64, 63, 1, KILLED),
        (64, 0, 1, KILLED),
        (64, 40, 1, FAILED),
        (0, 40, 1, FAILED),
        (64, 40, 0, SURVIVED),
    ],
    ids=["reached", "nearly", "unknown", "beneath", "without a limit", "not killed"],
)
def test_who_is_killed_beneath_the_limit_was_killed_by_another(
    limit: int, peak: int, kills: int, outcome: str
) -> None:
    """A child was killed and the rest delivered: all the same."""
    values = {OOM_KILLS: float(kills), CHARGED: float(peak * MIB)}
    made = blamed(Record(job=a_job(), status="ok", values=values), limit * MIB)
    assert outcome_of(made, Backend(name="cgroup_v1")) == outcome
    assert made.detail.startswith("the kernel killed it at 40") is (outcome == FAILED)


@pytest.mark.parametrize(
    ("limit", "said"), [(0, "more than 0"), (-MIB, "more than 0"), (1 << 63, "limits nothing")]
)
def test_a_limit_that_is_none_is_refused(tmp_path: Path, limit: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        run_session(request(tmp_path, LimitOptions(under_bytes=(limit,)), STREAMING), print)


class _StopError(Exception):
    pass


def test_a_search_that_was_interrupted_goes_on_where_it_was(tmp_path: Path) -> None:
    """What was tried is not tried again, and the answer is that of the whole."""
    asked = request(tmp_path / "runs", LimitOptions(replicates=1), STREAMING)
    seen: list[Event] = []

    def stop(event: Event) -> None:
        seen.append(event)
        if sum(isinstance(one, LimitTried) for one in seen) == 2:
            raise _StopError

    with pytest.raises(_StopError):
        run_session(asked, stop)
    (path,) = asked.results.iterdir()
    (found,) = found_limits(load_frames(path))
    assert len(found.attempts) == 2
    assert found.problem == "the search did not reach its end"
    other = replace(asked, memory_limits=LimitOptions(replicates=2))
    with pytest.raises(ConfigError, match="memory_limits"):
        resume_session(path, lambda _: None, other)
    resume_session(path, seen.append, asked)
    (found,) = found_limits(load_frames(path))
    assert not found.problem
    assert found.edge is not None
    assert found.edge.steady
    limits = [one.limit_bytes for one in found.attempts]
    assert len(limits) == len(set(limits)) == sum(isinstance(one, LimitTried) for one in seen)
    samples = load_frames(path).samples
    told = samples[samples["probe"] == PROBE]["value"].tolist()
    assert told == [found.edge.survives_bytes]
    limit = metric_of(found.backend).name
    (trend,) = trends_of(list(iter_complete([path], print)), [limit])
    assert [run.level for run in trend.runs] == told
    made_of = found.made_of
    assert made_of is not None
    if found.charged_bytes:  # the kernel's own figure, of another process
        assert sum(astuple(made_of)) == found.charged_bytes
        assert 0 < (made_of.cache_and_kernel_bytes or 0) < 4 * MIB
    command = repeat_command(load_frames(path).manifest, ("lib", "replay"), ["streaming"])
    assert command.startswith("python -m harness limit ")
    assert f"--grain {MIB} --replicates 1 --backend {found.backend} " in command


@pytest.mark.parametrize("backend", [one.name for one in USABLE])
def test_an_attempt_that_failed_by_another_hand_is_tried_again_on_resume(
    tmp_path: Path, backend: str
) -> None:
    limits = LimitOptions(backend=backend, replicates=2, under_bytes=(64 * MIB,))
    asked = request(tmp_path / "runs", limits, arm("loses_its_launcher_once"))
    asked = replace(asked, env={"MARK": str(tmp_path / "mark")})
    path = run_session(asked, lambda _: None)
    (found,) = found_limits(load_frames(path))
    assert found.problem == "an attempt failed for another reason: its launcher was killed"
    resume_session(path, lambda _: None, asked)
    (found,) = found_limits(load_frames(path))
    assert (found.problem, found.outcomes) == ("", {64 * MIB: [SURVIVED, SURVIVED]})
    assert [one.outcome for one in found.attempts] == [FAILED, SURVIVED, SURVIVED]


def test_a_process_that_was_paired_has_no_wall_time_to_hold_an_attempt_against() -> None:
    """In a default run the two arms of a large binary run side by side."""
    delivered = [
        Record(job=a_job(probe=VERIFY, arm=arm, source=source), status="ok", digest="same")
        for arm in ("legacy", "streaming")
        for source in ("dwarf", "replay")
    ]
    values = {"rss_peak": 9.0, "wall": 1.0}
    alone = Record(job=a_job(probe="bare"), status="ok", values=values)
    paired = Record(
        job=a_job(probe="bare", source="dwarf", paired=True), status="ok", values={"rss_peak": 9.0}
    )
    found = free_runs([*delivered, alone, paired])
    assert [(one.peak_bytes, one.wall_s) for one in found.values()] == [(9, 1.0)]
    assert list(found) == [alone.job.cell]
