"""What the numbers mean: exact where they claim to be, complete, and of the pipeline alone."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

import harness
from harness.config import PipelineOptions
from harness.corpus import fixtures_directory
from harness.intake.process import Intake
from harness.loading import load_frames
from harness.probes.capture import TIMELINE_POINTS
from harness.records import Job, Record
from harness.run.executor import Settings, iter_records
from harness.run.recording import ListedPackages, write_replay
from harness.run.session import run_session
from harness.tests.commands import HARNESS, ran
from harness.tests.run.conftest import MakeJob, make_job, settings_in
from harness.tests.run.packages import iter_packages
from harness.tests.run.test_session import a_binary, a_request

LEGACY = "harness.pipelines.legacy:run"


def run_all(jobs: list[Job], settings: Settings) -> list[Record]:
    records = sorted(iter_records(jobs, settings), key=lambda record: record.job.order)
    assert [(record.status, record.detail) for record in records] == [("ok", "")] * len(jobs)
    return records


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("larger") / "larger.replay"
    write_replay(ListedPackages(iter_packages(40, 100)), path)
    return str(path)


@pytest.fixture(scope="module")
def measured(
    tmp_path_factory: pytest.TempPathFactory, intake: Intake, replay: Path, larger: str
) -> dict[str, Record]:
    """Return a record of each: what several tests look at is measured once."""
    directory = tmp_path_factory.mktemp("measured")
    what: dict[str, dict[str, object]] = {
        "legacy, memray": {"probe": "memray", "replay": larger, "pipeline": LEGACY},
        "legacy, gc": {"probe": "gc", "replay": larger, "pipeline": LEGACY},
        "streaming, memray": {"probe": "memray", "replay": larger},
        "small, memray": {"probe": "memray"},
        "small, bare": {"probe": "bare"},
    }
    jobs = [
        make_job(directory, intake, replay, order, **changes)
        for order, changes in enumerate(what.values())
    ]
    return dict(zip(what, run_all(jobs, settings_in(directory)), strict=True))


@pytest.mark.parametrize(
    ("probe", "metric"),
    [
        ("memray", "heap_peak_memray"),
        ("memray-native", "heap_peak_memray_native"),
        ("tracemalloc", "heap_peak_tracemalloc"),
    ],
)
def test_a_heap_peak_repeats_to_the_byte_in_fresh_processes(
    job: MakeJob, settings: Settings, probe: str, metric: str
) -> None:
    records = run_all([job(order, probe=probe) for order in range(2)], settings)
    assert len({record.values[metric] for record in records}) == 1
    assert not any(record.randomised for record in records)


def test_what_is_alive_adds_up_to_the_peak_and_only_legacy_holds_copies_which_lines_made(
    measured: dict[str, Record],
) -> None:
    """A copy is as much memory as the JSON of the largest batch, allocated by one line."""
    copies = []
    for record in (measured["legacy, memray"], measured["streaming, memray"]):
        total = sum(holding.size_bytes for holding in record.holdings)
        assert total == record.values["heap_peak_memray"]
        looks = [point for point in record.timeline if point.generation < 0]
        assert 0 < len(looks) <= TIMELINE_POINTS
        assert max(point.heap_bytes for point in record.timeline) <= total
        payload_bytes = max(batch.raw_bytes for batch in record.batches)
        copies.append(
            [
                (holding.stage, holding.location.split(":")[0])
                for holding in record.holdings
                if holding.stage == "JSON" and holding.size_bytes > 0.9 * payload_bytes
            ]
        )
    assert copies[0] == [
        ("JSON", "harness/pipelines/encoders.py"),
        ("JSON", "harness/pipelines/envelope.py"),
    ]
    assert copies[1] == []


def test_nothing_but_the_pipeline_is_measured(
    job: MakeJob, settings: Settings, tmp_path: Path
) -> None:
    """An empty stream costs a client that is never used, and no more."""
    empty = tmp_path / "empty.replay"
    write_replay(ListedPackages(iter([])), empty)
    jobs = [
        job(0, probe="memray", replay=str(empty)),
        job(1, probe="tracemalloc", replay=str(empty)),
    ]
    memray, tracemalloc = run_all(jobs, settings)
    assert memray.values["heap_peak_memray"] < 40_000
    assert tracemalloc.values["heap_peak_tracemalloc"] < 40_000


def test_the_peak_is_of_the_pipeline_not_of_the_replay(
    job: MakeJob, settings: Settings, replay: Path, larger: str
) -> None:
    """Ten times the scopes in the same block: what reading sets aside is not in the number."""
    swallow = "harness.tests.run.faulty:swallows_everything"
    jobs = [
        job(0, probe="memray", pipeline=swallow, replay=str(replay)),
        job(1, probe="memray", pipeline=swallow, replay=larger),
    ]
    small, large = (record.values["heap_peak_memray"] for record in run_all(jobs, settings))
    assert abs(large - small) < 4_000


def test_bare_measures_clocks_rss_and_switches(measured: dict[str, Record]) -> None:
    record = measured["small, bare"]
    found = record.values
    assert {"wall", "cpu", "rss_peak", "payload_sent", "context_switches_voluntary"} <= set(found)
    assert found["payload_sent"] == sum(batch.payload_bytes for batch in record.batches)
    assert found["rss_peak"] > 8 << 20


def test_rss_is_the_workers_own_however_big_the_parent(job: MakeJob, settings: Settings) -> None:
    ballast = bytearray(256 << 20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    (record,) = run_all([job(probe="bare")], settings)
    assert record.values["rss_peak"] < len(ballast) / 2


def test_gc_reports_every_collection_with_the_heap_around_it(measured: dict[str, Record]) -> None:
    record = measured["legacy, gc"]
    found = record.values
    assert found["gc_runs"] == len(record.collections) > 0
    assert found["heap_peak_gc"] >= max(c.heap_before_bytes for c in record.collections)
    assert found["heap_peak_gc"] > 1_000_000
    starts = [collection.start_s for collection in record.collections]
    assert starts == sorted(starts)


def test_the_overhead_of_a_probe_is_recorded_with_it(measured: dict[str, Record]) -> None:
    traced, bare = measured["small, memray"], measured["small, bare"]
    assert traced.values["cpu_under_probe"] > bare.values["cpu"]
    assert traced.values["rss_under_probe"] > bare.values["rss_peak"]


def test_batches_arrive_in_order_with_their_time(job: MakeJob, settings: Settings) -> None:
    options = PipelineOptions(threshold_bytes=0)
    (record,) = run_all(
        [job(pipeline_options=options, upload_id="0f5c1a2e-0000-4000-8002-000000000000")], settings
    )
    assert len(record.batches) > 2
    assert [batch.batch_num for batch in record.batches] == list(range(1, len(record.batches) + 1))
    assert [batch.final for batch in record.batches[-2:]] == [False, True]
    times = [batch.at_s for batch in record.batches]
    assert times == sorted(times)


def test_collections_are_noted_on_the_clock_of_the_heap_they_happen_in(
    measured: dict[str, Record],
) -> None:
    """As many as probe `gc` sees, in order, from a process that measures its peak as well."""
    traced, collected = measured["legacy, memray"], measured["legacy, gc"]
    marks = [point for point in traced.timeline if point.generation >= 0]
    assert len(marks) == pytest.approx(len(collected.collections), abs=2)
    assert {mark.generation for mark in marks} == {c.generation for c in collected.collections}
    times = [point.at_s for point in traced.timeline]
    assert times == sorted(times)
    assert 0 <= marks[0].at_s <= marks[-1].at_s <= traced.batches[-1].at_s


def test_noting_collections_adds_less_than_a_kilobyte_to_a_peak(
    job: MakeJob, settings: Settings, larger: str, measured: dict[str, Record]
) -> None:
    unmarked = "harness.tests.run.unmarked:UnmarkedMemrayProbe"
    again = job(probe="memray", replay=larger, pipeline=LEGACY, probe_target=unmarked)
    records = (measured["legacy, memray"], *run_all([again], settings))
    marked, plain = (record.values["heap_peak_memray"] for record in records)
    assert 0 <= marked - plain < 1024


PROCESSES = 10


@pytest.mark.slow
@pytest.mark.parametrize("fixture", ["cpp/dwarf5.so", "rust/dwarf5.so"])
def test_ten_of_ten_fresh_processes_agree_to_the_byte_for_both_arms(
    tmp_path: Path, fixture: str
) -> None:
    binary = a_binary(fixtures_directory() / "binaries" / fixture)
    replicates = {"memray": PROCESSES}
    request = a_request(tmp_path, binary, probes=("memray",), replicates=replicates)
    samples = load_frames(run_session(request, lambda _: None)).samples
    assert set(samples["status"]) == {"ok"}
    peaks = samples[samples["metric"] == "heap_peak_memray"].groupby(["arm", "source"])["value"]
    assert dict(peaks.count()) == {
        (arm, source): PROCESSES
        for arm in ("legacy", "streaming")
        for source in ("dwarf", "replay")
    }
    assert dict(peaks.nunique()) == dict.fromkeys(peaks.groups, 1), sys.version


@pytest.mark.slow
def test_copies_of_harness_at_other_paths_agree_to_the_byte(tmp_path: Path) -> None:
    """Paths are on the heap: of another length, they move everything that is made after them."""
    peaks = []
    for place in ("a", "somewhere/with/a/much/longer/name/than/the/other"):
        package = tmp_path / place / "harness"
        shutil.copytree(Path(harness.__file__).parent, package)
        shutil.copytree(fixtures_directory(), package / "fixtures", dirs_exist_ok=True)
        library = fixtures_directory() / "binaries/cpp/dwarf5.so"
        options = ("--probe", "memray", "--replicates", "2", "--results", tmp_path / place / "runs")
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / place)}
        ran(*HARNESS, "run", library, *options, cwd=package.parent, env=environment, check=True)
        (run,) = (tmp_path / place / "runs").iterdir()
        samples = load_frames(run).samples
        exact = samples[samples["metric"] == "heap_peak_memray"]
        peaks.append(exact.set_index(["arm", "source", "replicate"])["value"].to_dict())
    assert len(peaks[0]) == 8
    assert peaks[0] == peaks[1]
