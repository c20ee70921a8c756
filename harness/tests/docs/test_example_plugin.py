"""The worked example of the documentation is a package that is found, run and verified."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from harness.corpus import fixtures_directory
from harness.loading import load_frames
from harness.stats.doubts import same_output
from harness.stats.frames import succeeded
from harness.tests.commands import distribution, environment, ran

EXAMPLE = fixtures_directory() / "examples" / "harness-eager"
BINARY = fixtures_directory() / "binaries" / "cpp" / "dwarf5.so"


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Return the Python of an environment with the example in it, as an installer leaves it.

    It sees what this one sees, and nothing is downloaded.
    """
    python, site = environment(tmp_path / "venv")
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
        for group, points in project["entry-points"].items()
    )
    distribution(site, "harness_eager", points)
    (site / "harness_eager.py").write_bytes((EXAMPLE / "harness_eager.py").read_bytes())
    return python


def test_the_example_runs_beside_legacy_delivers_the_same_and_is_judged(
    python: Path, tmp_path: Path
) -> None:
    command = [str(python), "-m", "harness", "run", str(BINARY), "--arm", "legacy"]
    command += ["--arm", "eager", "--source", "replay", "--probe", "peak", "--replicates", "1"]
    command += ["--no-report", "--results", str(tmp_path / "runs")]
    done = ran(*command, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "eager needs" in done.stdout
    (run,) = (tmp_path / "runs").iterdir()
    frames = load_frames(run)
    assert same_output(frames.deliveries.itertuples(), ("legacy", "eager")) is True
    assert set(succeeded(frames.samples)["arm"]) == {"legacy", "eager"}
