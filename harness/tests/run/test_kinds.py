"""What each instrument makes of 10 MiB, by kind of memory; docs/metrics.md shows the same table."""

from __future__ import annotations

import pytest
from msgspec import structs

from harness.bench import planted
from harness.bench.planted import TAKEN_BYTES
from harness.config import MIB
from harness.records import CALL, Call, Manifest, Record
from harness.run.executor import Settings, iter_records
from harness.stats.metrics import Metrics
from harness.stats.rows import tables_of
from harness.tests.docs.checkout import document
from harness.tests.run.conftest import MakeJob

PLANTED, KINDS = "harness.bench.planted", "harness.tests.run.kinds"
METRICS = {
    "peak": "heap_peak",
    "memray-native": "heap_peak_memray_native",
    "tracemalloc": "heap_peak_tracemalloc",
    "bare": "rss_growth",
}
ROWS = {
    "a `bytearray`, in the pipeline's own function": f"{KINDS}:in_its_own_frame",
    "the same in a thread": f"{KINDS}:in_a_thread",
    "`mmap`, touched": f"{KINDS}:mapped_and_touched",
    "the same, with huge pages asked for": f"{KINDS}:in_huge_pages",
    "`mmap`, never touched": f"{KINDS}:mapped_and_never_touched",
    "`malloc` through a pointer of ctypes": f"{PLANTED}:takes_memory_through_a_pointer",
    "a cache that the warm-up run filled": f"{KINDS}:in_a_cache",
    "a forked child": f"{PLANTED}:works_in_a_fork",
    "a command": f"{PLANTED}:works_in_a_command",
}
PLAIN = "harness.pipelines.streaming:run"


@pytest.mark.slow
def test_the_table_of_the_documentation_is_what_is_measured(
    job: MakeJob, settings: Settings
) -> None:
    jobs = [
        job(order, probe=probe, arm=pipeline, pipeline=pipeline)
        for order, (pipeline, probe) in enumerate(
            (pipeline, probe) for pipeline in (PLAIN, *ROWS.values()) for probe in METRICS
        )
    ]
    found = {(one.job.arm, one.job.probe): one for one in iter_records(jobs, settings)}
    table = [
        "| 10 MiB in | " + " | ".join(f"`{metric}`" for metric in METRICS.values()) + " |",
        "|---|" + "---|" * len(METRICS),
        *(
            f"| {kind} | "
            + " | ".join(_cell(found[pipeline, probe], found[PLAIN, probe]) for probe in METRICS)
            + " |"
            for kind, pipeline in ROWS.items()
        ),
    ]
    assert "\n".join(table) in document("docs/metrics.md"), "\n".join(table)


def _cell(record: Record, plain: Record) -> str:
    if record.status != "ok":
        return record.status
    metric = METRICS[record.job.probe]
    more = record.values[metric] - plain.values[metric]
    share = round(more / TAKEN_BYTES)
    # Below memray-native, Python's allocator takes whole arenas of 1 MiB, one more or less.
    assert abs(more - share * TAKEN_BYTES) < 1.5 * MIB, (record.job.arm, metric, more)
    return str(share * TAKEN_BYTES // MIB)


# A guard that another row meets too; `tox -e slow` tries that it stays so.
ANEW = pytest.mark.slow


@pytest.mark.parametrize(
    ("pipeline", "probe", "reason"),
    [
        ("works_in_a_fork", "bare", "child process"),
        pytest.param("works_in_a_command", "memray", "child process", marks=ANEW),
        ("works_in_a_command_and_does_not_wait", "peak", "child process"),
        ("works_in_a_command_nobody_waits_for", "bare", "child process"),
        ("reserves_and_never_touches", "memray", "most of it at harness/bench/planted.py"),
        ("reserves_and_never_touches", "peak", "--env ARROW_DEFAULT_MEMORY_POOL=system"),
        ("stops_tracemalloc", "tracemalloc", "stopped or cleared"),
        ("restarts_tracemalloc", "tracemalloc", "stopped or cleared"),
        pytest.param("restarts_tracemalloc", "memray", "allocators were replaced", marks=ANEW),
        ("clears_traces", "tracemalloc", "stopped or cleared"),
        ("resets_the_peak", "tracemalloc", "its peak was reset"),
        ("resets_the_peak_by_its_name", "tracemalloc", "its peak was reset"),
        ("starts_tracemalloc", "peak", "allocators were replaced"),
        ("removes_callbacks", "gc", "callback was removed"),
        pytest.param("removes_callbacks", "memray", "callback was removed", marks=ANEW),
        ("removes_the_profile_function", "memray", "profile function was removed"),
    ],
)
def test_a_disturbed_or_deceived_instrument_gives_no_number(
    job: MakeJob, settings: Settings, pipeline: str, probe: str, reason: str
) -> None:
    module = PLANTED if hasattr(planted, pipeline) else KINDS
    (record,) = iter_records([job(probe=probe, pipeline=f"{module}:{pipeline}")], settings)
    assert (record.status, reason in record.detail) == ("invalid", True), record.detail


@pytest.mark.parametrize(
    ("pipeline", "lost"),
    [("maps_memory_past_the_allocators", 1), ("maps_a_file_past_the_allocators", 0)],
)
def test_what_no_instrument_counts_speaks_against_a_peak_unless_it_is_of_files(
    job: MakeJob, settings: Settings, pipeline: str, lost: int
) -> None:
    jobs = [job(order, probe=probe, pipeline=f"{KINDS}:{pipeline}")
            for order, probe in enumerate(("peak", "bare"))]  # fmt: skip
    records = {record.job.probe: record for record in iter_records(jobs, settings)}
    assert records["peak"].values["heap_peak"] < MIB < records["bare"].values["rss_growth"] / 9
    failures = tables_of(records.values(), Metrics(Manifest()))["failures"]
    assert list(failures["probe"]) == ["peak"] * lost
    assert all("past the allocators" in why for why in failures["detail"])


@pytest.mark.parametrize(
    ("pool", "status", "megabytes"), [("mimalloc", "invalid", 1024), ("system", "ok", 32)]
)
def test_a_reservation_of_arrow_is_no_peak_and_its_remedy_is_one(
    job: MakeJob, settings: Settings, pool: str, status: str, megabytes: int
) -> None:
    """A table written as Parquet: some 15 MiB, or the gigabyte that mimalloc reserves."""
    settings = structs.replace(settings, env={"ARROW_DEFAULT_MEMORY_POOL": pool})
    pipeline = "harness.tests.run.parquet:run"
    (record,) = iter_records([job(probe="memray", pipeline=pipeline)], settings)
    assert record.status == status, record.detail
    assert megabytes / 4 < record.values["heap_peak_memray"] / MIB < 4 * megabytes
    if status == "invalid":
        assert "--env ARROW_DEFAULT_MEMORY_POOL=system" in record.detail


def test_arrow_asks_the_system_for_the_memory_of_a_callable(
    job: MakeJob, settings: Settings
) -> None:
    called = {"source": CALL, "call": Call(), "binary_path": "", "replay": ""}
    (record,) = iter_records(
        [job(probe="peak", pipeline="harness.tests.run.parquet:write", **called)], settings
    )
    assert record.status == "ok", record.detail


@pytest.mark.parametrize("probe", ["memray", "gc"])
def test_what_failed_is_told_and_not_that_its_instrument_is_gone(
    job: MakeJob, settings: Settings, probe: str
) -> None:
    (record,) = iter_records([job(probe=probe, pipeline=f"{KINDS}:fails_unseen")], settings)
    assert (record.status, "what really happened" in record.detail) == ("crashed", True)


@pytest.mark.parametrize("probe", ["peak", "memray", "tracemalloc", "gc", "bare"])
def test_what_does_not_disturb_an_instrument_is_measured(
    job: MakeJob, settings: Settings, probe: str
) -> None:
    (record,) = iter_records([job(probe=probe, pipeline=f"{KINDS}:in_a_thread")], settings)
    assert record.status == "ok", record.detail


def test_what_a_pipeline_holds_itself_is_told_by_its_line(job: MakeJob, settings: Settings) -> None:
    (record,) = iter_records([job(probe="memray", pipeline=f"{KINDS}:in_its_own_frame")], settings)
    assert "in_its_own_frame" in record.holdings[0].location
