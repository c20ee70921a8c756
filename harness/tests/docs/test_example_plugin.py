"""The worked example of the documentation is a package that is found, run and verified."""

from __future__ import annotations

import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

from harness.corpus import fixtures_directory
from harness.loading import load_frames
from harness.stats.doubts import same_output
from harness.stats.frames import succeeded
from harness.tests.commands import ran

EXAMPLE = fixtures_directory() / "examples" / "harness-eager"
BINARY = fixtures_directory() / "binaries" / "cpp" / "dwarf5.so"


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Return the Python of an environment with the example in it, as an installer leaves it.

    It sees what this one sees, and nothing is downloaded.
    """
    venv.create(tmp_path / "venv", symlinks=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    ours = sysconfig.get_path("purelib")
    (site / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = site / f"harness_eager-{project['version']}.dist-info"
    metadata.mkdir()
    name, version = project["name"], project["version"]
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (metadata / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
            for group, points in project["entry-points"].items()
        )
    )
    (site / "harness_eager.py").write_bytes((EXAMPLE / "harness_eager.py").read_bytes())
    return tmp_path / "venv" / "bin" / "python"


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
