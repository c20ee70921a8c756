"""A disk that fills up under a capture or under the results: never a smaller number."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.corpus import fixtures_directory
from harness.errors import StoreError
from harness.records import Job
from harness.run.events import Event, JobFinished
from harness.run.executor import Settings, iter_records
from harness.run.request import Arm, Binary, RunRequest
from harness.run.session import run_session
from harness.store import load

MakeJob = Callable[..., Job]


def mounted(disk: Path, size: str) -> Iterator[Path]:
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a tmpfs needs more rights than this user has")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of two pages."""
    yield from mounted(tmp_path / "disk", "8k")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system on which a run can begin but not end."""
    yield from mounted(tmp_path / "disk", "48k")


@pytest.mark.parametrize("probe", ["memray", "memray-native"])
def test_a_capture_that_does_not_fit_is_no_measurement(
    job: MakeJob, settings: Settings, tiny_disk: Path, probe: str
) -> None:
    full = job(probe=probe, scratch=str(tiny_disk / "000000"))
    (record,) = iter_records([full], settings)
    assert record.status == "damaged"
    assert "Memray ERROR" in record.detail
    assert record.metrics == []


def a_request(tmp_path: Path, results: Path) -> RunRequest:
    path = tmp_path / "lib.so"
    shutil.copy(fixtures_directory() / "binaries/c/dwarf5.so", path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    size_bytes = path.stat().st_size
    return RunRequest(
        binaries=[Binary(name="lib", path=str(path), sha256=digest, size_bytes=size_bytes)],
        arms=[Arm(name="streaming", pipeline="harness.pipelines.streaming:run")],
        results=results,
        cache=tmp_path / "cache",
        probes=("memray",),
        sources=("replay",),
        replicates={"memray": 30},
    )


def test_results_that_do_not_fit_end_the_run_and_leave_what_was_acknowledged(
    tmp_path: Path, small_disk: Path
) -> None:
    acknowledged: list[int] = []

    def on_event(event: Event) -> None:
        if isinstance(event, JobFinished):
            acknowledged.append(event.record.job.replicate)

    with pytest.raises(StoreError, match=r"No space left|bytes fit"):
        run_session(a_request(tmp_path, small_disk), on_event)
    (run,) = small_disk.iterdir()
    data = load(run)
    assert acknowledged
    assert set(data.samples["replicate"]) == set(acknowledged)


def test_a_read_only_results_directory_is_a_clear_error(tmp_path: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreError, match=r"cannot create a run in .*: Read-only file system"):
        run_session(a_request(tmp_path, small_disk), lambda _: None)
