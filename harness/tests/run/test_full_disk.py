"""A disk that fills up under a capture or under the results: never a smaller number."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.corpus import fixtures_directory
from harness.errors import StoreError
from harness.loading import load_frames
from harness.records import Job
from harness.run.events import Event, JobFinished
from harness.run.executor import Settings, iter_records
from harness.run.manifest import first_manifest
from harness.run.request import RunRequest
from harness.run.session import measure_into, run_session
from harness.store import COMPLETE, INTERRUPTED, RunWriter, read_manifest
from harness.tests.commands import HARNESS, ran
from harness.tests.disks import mounted
from harness.tests.run import test_session as session

MakeJob = Callable[..., Job]


CREATE = """
import sys
from pathlib import Path
from harness.errors import StoreError
from harness.records import Manifest
from harness.store import RunWriter
try:
    RunWriter.create(Path(sys.argv[1]), Manifest(warnings=["x" * 4096]))
except StoreError as error:
    head, _, reason = error.message.partition(": ")
    print(f"cannot write {Path(head).name}: {reason}")
"""


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of two pages."""
    yield from mounted(tmp_path / "disk", "8k")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system on which a run can begin but not end."""
    yield from mounted(tmp_path / "disk", "32k")


@pytest.mark.parametrize("probe", ["peak", "memray", "memray-native"])
def test_a_capture_that_does_not_fit_is_no_measurement(
    job: MakeJob, settings: Settings, tiny_disk: Path, probe: str
) -> None:
    if probe == "peak":  # its capture has no stacks, and takes a page
        (tiny_disk / "other").write_bytes(bytes(8192))
    full = job(probe=probe, scratch=str(tiny_disk / "000000"))
    (record,) = iter_records([full], settings)
    assert record.status == "damaged"
    assert "Memray ERROR" in record.detail
    assert record.values == {}


@pytest.fixture
def disk_of_two_captures(tmp_path: Path) -> Iterator[Path]:
    """A real file system that holds a run with its captures, but no page of a flame graph."""
    yield from mounted(tmp_path / "disk", "720k")


def a_request(tmp_path: Path, results: Path, **changes: object) -> RunRequest:
    binary = session.real_binary(tmp_path, "c/dwarf5.so", "lib")
    usual = {"arms": session.ARMS[1:], "probes": ("memray",), "sources": ("replay",)}
    asked = usual | {"replicates": {"memray": 30}, "results": results}
    return session.a_request(tmp_path, binary, **(asked | changes))


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
    data = load_frames(run)
    assert acknowledged
    assert set(data.samples["replicate"]) == set(acknowledged)


def test_flame_graphs_that_do_not_fit_cost_themselves_and_nothing_else(
    tmp_path: Path, disk_of_two_captures: Path
) -> None:
    once = {"keep_captures": True, "replicates": {"memray": 1}}
    request = a_request(tmp_path, disk_of_two_captures, **once)
    run = run_session(request, lambda _: None)
    manifest = read_manifest(run)
    assert manifest.state == COMPLETE
    (problem,) = manifest.not_measured
    assert "no flame graph of streaming" in problem
    assert "No space left on device" in problem
    assert manifest.flame == []
    assert list((run / "flame").iterdir()) == []


def test_a_capture_that_cannot_be_kept_ends_the_run_and_takes_no_room(
    tmp_path: Path, tiny_disk: Path
) -> None:
    captures = tiny_disk / "captures"
    captures.mkdir()
    once = {"keep_captures": True, "replicates": {"memray": 1}}
    request = a_request(tmp_path, tmp_path / "runs", **once)
    writer = RunWriter.create(request.results, first_manifest(request))
    (writer.path / "captures").symlink_to(captures)
    with writer, pytest.raises(StoreError, match=r"captures/.*: No space left on device"):
        measure_into(writer, request, lambda _: None)
    assert list(captures.iterdir()) == []
    assert read_manifest(writer.path).state == INTERRUPTED


def test_the_command_says_in_a_line_what_did_not_fit_and_where_the_rest_is(
    tmp_path: Path, small_disk: Path
) -> None:
    library = fixtures_directory() / "binaries/c/dwarf5.so"
    options = ("--probe", "memray", "--source", "replay", "--replicates", "30")
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = ran(*HARNESS, "run", library, *options, "--results", small_disk, env=environment)
    (run,) = small_disk.iterdir()
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"error: cannot write {run}")
    assert f"what was measured is kept in {run}" in done.stderr
    assert f"--resume {run}" in done.stderr
    assert not load_frames(run).samples.empty


def test_a_run_of_which_not_even_the_manifest_fits_leaves_nothing(tmp_path: Path) -> None:
    limited = f"ulimit -f 1 && exec {sys.executable} -c {shlex.quote(CREATE)} {tmp_path}"
    done = ran("bash", "-c", limited)
    assert done.stdout == "cannot write manifest.json: File too large\n", done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_results_directory_is_a_clear_error(tmp_path: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreError, match=r"cannot create a run in .*: Read-only file system"):
        run_session(a_request(tmp_path, small_disk), lambda _: None)
