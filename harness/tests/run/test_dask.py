"""Units on a real Dask cluster of this machine, whose workers and coordinators are lost."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from harness.errors import ConfigError
from harness.loading import load_frames
from harness.run.events import Event, JobFinished, RunStarted
from harness.run.fleet import open_executor, run_fleet
from harness.run.request import RunRequest
from harness.run.resume import resume_on
from harness.run.session import run_session
from harness.store import COMPLETE, INTERRUPTED, read_manifest
from harness.store.progress import status_of
from harness.tests.commands import distribution
from harness.tests.run.test_executor import is_alive
from harness.tests.run.test_session import ARMS, a_request, real_binary
from harness.tests.waiting import wait_until

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask, when processes of it are killed

KILLED_AT_ONE = """
import os, pickle, signal, sys
from harness.run.events import JobFinished
from harness.run.fleet import open_executor, run_fleet

def on_event(event):
    if isinstance(event, JobFinished):
        os.kill(os.getpid(), signal.SIGKILL)

with open(sys.argv[1], "rb") as file:
    request = pickle.load(file)
with open_executor("dask=" + sys.argv[2]) as executor:
    run_fleet(request, on_event, executor)
"""


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Return a client of the cluster that is started where none is named: here, of one worker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 2)
        opened = open_executor("dask")
        opened.__enter__()
    client = distributed.get_client()
    pids = list(client.run(os.getpid).values())
    yield client
    opened.__exit__(None, None, None)
    assert len(pids) == 1
    assert wait_until(lambda: not any(map(is_alive, pids)))


@pytest.fixture
def request_of_three(tmp_path: Path) -> RunRequest:
    """Ask for little, of a pipeline over what is extracted from three binaries."""
    binaries = [real_binary(tmp_path, "c/assembly.so", f"{name}.so") for name in "abc"]
    few = {"sources": ("dwarf",), "probes": ("peak",), "replicates": {"peak": 1}}
    return a_request(tmp_path, *binaries, arms=ARMS[1:], **few)


def peaks_in(run: Path) -> list[tuple[object, ...]]:
    frames = load_frames(run)
    assert frames.failures.empty
    assert set(frames.samples["run_id"]) == {run.name}
    chosen = frames.samples[frames.samples["metric"] == "heap_peak"]
    columns = ["binary", "source", "arm", "replicate", "value"]
    return sorted(chosen[columns].itertuples(index=False, name=None))


def test_a_cluster_measures_to_the_byte_what_this_machine_does_whoever_is_killed(
    client: Any, request_of_three: RunRequest, tmp_path: Path
) -> None:
    """First its coordinator, when one binary is stored, and then its worker during the last."""
    here = run_session(request_of_three, lambda _: None)
    there = structs.replace(request_of_three, results=tmp_path / "there")
    asked, address = tmp_path / "request", client.scheduler.address
    asked.write_bytes(pickle.dumps(there))
    child = [sys.executable, "-c", KILLED_AT_ONE, str(asked), address]
    assert subprocess.run(child, check=False).returncode == -signal.SIGKILL
    (run,) = there.results.iterdir()
    assert status_of(run).state == "abandoned"
    killed: list[int] = []
    events: list[Event] = []

    def on_event(event: Event) -> None:
        events.append(event)
        if isinstance(event, JobFinished) and not killed:
            killed.extend(client.run(os.getpid).values())
            os.kill(killed[0], signal.SIGKILL)

    with open_executor(f"dask={address}") as executor:
        resume_on(run, on_event, there, executor)
    started = next(event for event in events if isinstance(event, RunStarted))
    assert (started.binaries, started.jobs) == (3, 2)
    assert not set(killed) & set(client.run(os.getpid).values())
    assert read_manifest(run).state == COMPLETE
    assert peaks_in(run) == peaks_in(here)
    assert len(peaks_in(run)) == 3


def test_a_worker_with_other_versions_is_refused_by_name(
    client: Any, request_of_three: RunRequest, tmp_path: Path
) -> None:
    distribution(tmp_path, "memray", version="0.1")
    (pid,) = client.run(os.getpid).values()
    client.run(exec, f"import sys; sys.path.insert(0, {str(tmp_path)!r})")
    try:
        with (
            open_executor(f"dask={client.scheduler.address}") as executor,
            pytest.raises(ConfigError, match=rf"process {pid} has memray 0\.1, not "),
        ):
            run_fleet(request_of_three, lambda _: None, executor)
    finally:
        client.run(exec, f"import sys; sys.path.remove({str(tmp_path)!r})")
    (run,) = request_of_three.results.iterdir()
    assert read_manifest(run).state == INTERRUPTED
