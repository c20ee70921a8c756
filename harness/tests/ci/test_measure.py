"""Two commits of a small repository, measured in turn and judged, by the scripts that CI runs."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import harness
from harness.loading import load_frames
from harness.tests.ci.scripts import SCRIPTS, needs_checkout

pytestmark = needs_checkout

PIPELINE = """
from harness.pipelines import streaming


def run(packages, poster, options, observe):
    ballast = bytearray({ballast})
    counters = streaming.run(packages, poster, options, observe)
    del ballast
    return counters
"""

SUITE = """
corpus = "small"

[[experiments]]
name = "quality_gate_mine"
binary = "c-dwarf5"
source = "replay"
arm = "mine"
replicates = 2
tolerance = 1
gate = true
"""

# Stands in for `pip install .`, which would need a network: what this environment has, and mine.
INSTALL = """
import pathlib
import shutil
import sys
import sysconfig

library = pathlib.Path(sysconfig.get_path("purelib"))
lines = [f"import site; site.addsitedir({path!r})" for path in sys.argv[1:]]
(library / "parent.pth").write_text("\\n".join(lines))
shutil.copy("mine.py", library)
about = library / "mine-1.dist-info"
about.mkdir()
(about / "METADATA").write_text("Metadata-Version: 2.1\\nName: mine\\nVersion: 1\\n")
(about / "entry_points.txt").write_text("[harness.pipeline]\\nmine = mine:run\\n")
"""


@dataclass
class Repository:
    """A repository with a pipeline of its own, and the scripts of ours at work on it."""

    root: Path

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        command = ["git", *who, "-c", "commit.gpgsign=false", *arguments]
        done = subprocess.run(
            command, cwd=self.checkout, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    @property
    def checkout(self) -> Path:
        return self.root / "checkout"

    @property
    def out(self) -> Path:
        return self.root / "out"

    def commit(self, ballast: int) -> str:
        """Commit a pipeline that holds so many bytes too many."""
        (self.checkout / "mine.py").write_text(PIPELINE.format(ballast=ballast))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", f"hold {ballast}")
        return self.git("rev-parse", "HEAD")

    def without_pip(self) -> Path:
        """Return a Python whose environments have no pip: nothing here asks a network."""
        path = self.root / "python"
        path.write_text(f'#!/bin/sh\nexec {sys.executable} "$@" --without-pip\n')
        path.chmod(0o755)
        return path

    def run(self, script: str, **changes: str) -> subprocess.CompletedProcess[str]:
        sites = [*site.getsitepackages(), str(Path(harness.__file__).parent.parent)]
        environment = {
            **os.environ,
            "SUITE": "memory.toml",
            "OUT": str(self.out),
            "WORK": str(self.root / "work"),
            "INSTALL": f"python install.py {' '.join(sites)}",
            "PYTHON": str(self.without_pip()),
            "XDG_CACHE_HOME": str(self.root / "cache"),
        }
        environment.pop("GITHUB_STEP_SUMMARY", None)
        return subprocess.run(
            [SCRIPTS / script],
            cwd=self.checkout,
            env={**environment, **changes},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.checkout.mkdir()
    made.git("init", "--quiet")
    (made.checkout / "memory.toml").write_text(SUITE)
    (made.checkout / "install.py").write_text(INSTALL)
    return made


@pytest.mark.parametrize(
    ("ballast", "code", "decision"),
    [
        pytest.param(1, 0, "pass", id="the same", marks=pytest.mark.slow),
        pytest.param(1_000_000, 3, "fail", id="a megabyte more"),
    ],
)
def test_two_commits_are_measured_in_turn_and_judged(
    repository: Repository, ballast: int, code: int, decision: str
) -> None:
    base, head = repository.commit(1), repository.commit(ballast)
    measured = repository.run("measure.sh", BASE=base, HEAD=head)
    assert measured.returncode == 0, measured.stderr
    in_turn = [line.split()[-1] for line in measured.stderr.splitlines() if line[:6] == "round "]
    assert in_turn == ["base", "head", "head", "base"]
    for side, commit in (("base", base), ("head", head)):
        run = load_frames(repository.out / side)
        assert run.manifest.commit == commit
        assert run.samples["replicate"].tolist() == sorted(run.samples["replicate"].tolist())
        assert set(run.samples["replicate"]) == {0, 1}
        assert len(run.manifest.pooled) == 2
    judged = repository.run("gate.sh")
    assert judged.returncode == code, judged.stderr
    report = json.loads((repository.out / "gate" / "report.json").read_bytes())
    assert report["decision"] == decision
    assert report["baseline"]["commit"] == base
    assert report["candidate"]["commit"] == head
    shown = subprocess.run(
        [sys.executable, SCRIPTS / "comment.py", repository.out / "gate", "--print"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "quality_gate_mine" in shown.stdout


def test_a_commit_that_cannot_be_installed_ends_the_job_before_anything_is_judged(
    repository: Repository,
) -> None:
    commit = repository.commit(1)
    measured = repository.run("measure.sh", BASE=commit, HEAD=commit, INSTALL="exit 9")
    assert measured.returncode == 9
    judged = repository.run("gate.sh")
    assert judged.returncode not in {0, 3}
    assert not (repository.out / "gate").exists()


@pytest.mark.parametrize("rounds", ["1", "3", "0"])
def test_a_number_of_rounds_that_favours_a_side_is_refused(
    repository: Repository, rounds: str
) -> None:
    done = repository.run("measure.sh", BASE="a", HEAD="b", ROUNDS=rounds)
    assert done.returncode == 2
    assert "it has to be even" in done.stderr


@pytest.mark.parametrize("name", ["BASE", "HEAD", "SUITE", "OUT", "WORK"])
def test_what_is_not_given_is_named(repository: Repository, name: str) -> None:
    done = repository.run("measure.sh", **{"BASE": "a", "HEAD": "b", name: ""})
    assert done.returncode != 0
    assert name in done.stderr
