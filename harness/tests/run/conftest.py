"""A real intake, a real replay file and real workers; only the packages are made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from harness.intake import COUNT_PATH
from harness.intake.process import Intake
from harness.records import VERIFY, Job
from harness.run.executor import Settings
from harness.run.extensions import resolve_probes
from harness.run.frames import UNMEASURED
from harness.run.recording import ListedPackages, write_replay
from harness.tests.run.packages import iter_packages

MakeJob = Callable[..., Job]
TRAITS = resolve_probes(("peak", "memray", "memray-native", "tracemalloc", "gc", "bare"))


_FOLDERS = count()  # the intake lives as long as all tests: what one sent repeats no other's


@pytest.fixture(scope="session")
def intake() -> Iterator[Intake]:
    with Intake() as running:
        yield running


@pytest.fixture(scope="session")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten packages of forty functions."""
    path = tmp_path_factory.mktemp("replay") / "packages.replay"
    write_replay(ListedPackages(iter_packages(10, 40)), path)
    return path


def settings_in(directory: Path) -> Settings:
    """Return how jobs are run, with an empty directory to start in below this one."""
    work = directory / "work"
    work.mkdir(mode=0o555)
    return Settings(work=str(work), traits=TRAITS)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def job(tmp_path: Path, intake: Intake, replay: Path) -> MakeJob:
    """Make a job over the replay file; what is not said is the streaming pipeline, untraced."""
    return partial(make_job, tmp_path, intake, replay)


def make_job(
    directory: Path, intake: Intake, replay: Path, /, order: int = 0, **changes: object
) -> Job:
    """Make a job with its scratch below a directory; see `job`."""
    probe = str(changes.get("probe", VERIFY))
    fields: dict[str, object] = {
        "run_id": "test",
        "binary": "synthetic",
        "binary_path": "/nowhere",
        "binary_sha256": "00" * 32,
        "arm": "streaming",
        "source": "replay",
        "probe": probe,
        "replicate": 0,
        "order": order,
        "pipeline": "harness.pipelines.streaming:run",
        "probe_target": TRAITS[probe].target if probe in TRAITS else UNMEASURED,
        "intake_url": f"{intake.url}/{next(_FOLDERS):07d}{COUNT_PATH}",
        "scratch": str(directory / f"{order:06d}"),
        "replay": str(replay),
        "upload_id": "0f5c1a2e-0000-4000-8000-000000000000",
        "hash_seed": 7,
        "timeout_s": 60.0,
    }
    return Job(**(fields | changes))  # type: ignore[arg-type]
