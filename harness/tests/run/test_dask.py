"""Units on a real Dask cluster of this machine, one of whose workers is killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.loading import load_frames
from harness.run.events import Event, JobFinished
from harness.run.fleet import open_executor, run_fleet
from harness.run.session import run_session
from harness.store import COMPLETE, read_manifest
from harness.tests.run.test_session import a_request, real_binary

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

MORE = {"sources": ("replay",), "probes": ("peak",), "replicates": {"peak": 1}}


def peaks_in(run: Path) -> list[tuple[object, ...]]:
    samples = load_frames(run).samples
    chosen = samples[samples["metric"] == "heap_peak"]
    columns = ["binary", "source", "arm", "replicate", "value"]
    return sorted(chosen[columns].itertuples(index=False, name=None))


def killing(client: object) -> Callable[[Event], None]:
    """Kill the process of a worker, its nanny left alive, after the first binary."""
    killed: list[bool] = []

    def on_event(event: Event) -> None:
        if isinstance(event, JobFinished) and not killed:
            killed.append(True)
            pids = client.run(os.getpid)  # type: ignore[attr-defined]
            os.kill(next(iter(pids.values())), signal.SIGKILL)

    return on_event


def test_a_cluster_measures_what_this_machine_does_though_a_worker_is_killed(
    tmp_path: Path,
) -> None:
    binaries = [real_binary(tmp_path, f"{name}.so", name[:1] + str(at))
                for at, name in enumerate(["c/dwarf5", "c/dwarf5", "c/assembly"])]  # fmt: skip
    request = a_request(tmp_path, *binaries, **MORE)
    here = run_session(request, lambda _: None)
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, resources={"binary": 1}, dashboard_address=None
    )
    address = cluster.scheduler_address
    with cluster, distributed.Client(cluster) as client, open_executor(f"dask={address}") as units:
        there = run_fleet(request, killing(client), units)
    assert read_manifest(there).state == COMPLETE
    assert peaks_in(there) == peaks_in(here)
    assert len(peaks_in(here)) == 6


def test_without_an_address_the_cluster_is_this_machine_and_ends_with_the_run(
    tmp_path: Path,
) -> None:
    request = a_request(tmp_path, real_binary(tmp_path, "c/dwarf5.so", "one"), **MORE)
    with open_executor("dask") as executor:
        run = run_fleet(request, lambda _: None, executor)
    assert len(peaks_in(run)) == 2
