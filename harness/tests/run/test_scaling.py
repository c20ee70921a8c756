"""Peaks against the size of the input and against the threshold, measured for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config import KIB, PipelineOptions
from harness.corpus import fixtures_directory
from harness.loading import load_frames
from harness.records import Arm
from harness.run.recording import ListedPackages, write_replay
from harness.run.replay import open_replay
from harness.run.request import RunRequest, prefixes, sweep_arms
from harness.run.session import run_session
from harness.stats.frames import Frames
from harness.stats.sweep import SWEEP, sweep_points
from harness.tests.run.packages import iter_packages
from harness.tests.run.test_session import ARMS, a_binary

STREAMING = Arm(name="streaming", pipeline="harness.pipelines.streaming:run")
LIBRARY = fixtures_directory() / "binaries/cpp/dwarf5.so"


@pytest.mark.parametrize("share", [0.1, 0.33, 0.5, 0.999, 1.0])
def test_a_share_of_a_replay_is_a_prefix_of_it_of_about_that_size(
    tmp_path: Path, share: float
) -> None:
    write_replay(ListedPackages(iter_packages(7, 30)), tmp_path / "r")
    with open_replay(str(tmp_path / "r"), share) as source:
        names = [child.name for package in source.packages for child in package.children]
    whole = [child.name for package in iter_packages(7, 30) for child in package.children]
    assert names == whole[: len(names)]
    assert abs(len(names) - share * len(whole)) <= 2


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def growing(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    """Return a run over a binary and two of its prefixes."""
    whole = a_binary(LIBRARY)
    request = RunRequest(
        binaries=[whole, *prefixes(whole, 4)[:2]],
        arms=ARMS,
        results=tmp_path_factory.mktemp("results"),
        cache=cache,
        probes=("peak",),
        replicates={"peak": 1},
    )
    return load_frames(run_session(request, lambda _: None))


def test_prefixes_are_measured_as_inputs_of_their_own_from_replay_alone(
    growing: Frames, cache: Path
) -> None:
    data, whole = growing, a_binary(LIBRARY)
    assert set(data.samples["status"]) == {"ok"}
    parts = data.samples[data.samples["binary"] != whole.name]
    assert set(parts["source"]) == {"replay"}
    scopes = data.deliveries[data.deliveries["arm"] == "streaming"].groupby("binary")["scopes"]
    quarter, half, all_of_it = sorted(scopes.max())
    assert 0 < quarter < half < all_of_it
    assert len(list(cache.glob("*.replay"))) == 1


@pytest.mark.usefixtures("growing")
def test_a_sweep_tells_what_each_threshold_comes_to_and_extracts_nothing_anew(
    cache: Path, tmp_path: Path
) -> None:
    (packages,) = cache.glob("*.replay")
    before = packages.stat()
    thresholds = (2 * KIB, 4 * KIB, 64 * KIB)
    request = RunRequest(
        binaries=[a_binary(LIBRARY)],
        arms=sweep_arms(STREAMING, PipelineOptions(), thresholds),
        results=tmp_path / "results",
        cache=cache,
        probes=("peak", "bare"),
        sources=("replay",),
        replicates={"peak": 1, "bare": 1},
        kind=SWEEP,
    )
    data = load_frames(run_session(request, lambda _: None))
    assert packages.stat() == before
    assert data.manifest.kind == SWEEP
    points = sweep_points(data)
    assert [point.threshold_bytes for point in points] == list(thresholds)
    batches = [point.batches for point in points]
    assert batches == sorted(batches, reverse=True)
    assert all(point.wall_s for point in points)
