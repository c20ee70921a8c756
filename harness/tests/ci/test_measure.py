"""Two commits of a small repository, measured in turn and judged, by the command that CI runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.loading import load_frames
from harness.tests.ci.scripts import SCRIPTS, needs_checkout
from harness.tests.cli.conftest import Harness
from harness.tests.commands import HARNESS, git, ran

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

EXPORT = """
import json


def encode():
    rows = [{"id": number} for number in range(20_000)]
    text = json.dumps(rows)
    return text
"""
COPY = """from fresh import SIZE

    data = text.encode()
    spare = bytearray(SIZE)
    return text"""
QUICK = ("--probe", "peak", "--probe", "memray", "--replicates", "1", "--no-report")

# Stands in for `pip install .`, which would ask a network for the build system.
INSTALL = """
import pathlib
import shutil
import sysconfig

library = pathlib.Path(sysconfig.get_path("purelib"))
shutil.copy("mine.py", library)
about = library / "mine-1.dist-info"
about.mkdir()
(about / "METADATA").write_text("Metadata-Version: 2.1\\nName: mine\\nVersion: 1\\n")
(about / "entry_points.txt").write_text("[harness.pipeline]\\nmine = mine:run\\n")
"""


@dataclass
class Repository:
    """A repository with a pipeline of its own, and the command at work on it."""

    root: Path

    def git(self, *arguments: str) -> str:
        return git(self.checkout, *arguments)

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

    def ab(
        self,
        revisions: Sequence[str],
        *rest: str,
        suite: str = "memory.toml",
        install: str = "python install.py",
    ) -> subprocess.CompletedProcess[str]:
        """Run `harness ab` on some versions, with what else is asked for."""
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.root / "cache")}
        environment.pop("GITHUB_STEP_SUMMARY", None)
        command = self.command(revisions, *rest, suite=suite, install=install)
        return ran(*HARNESS, *command, cwd=self.checkout, env=environment, timeout=600)

    def command(
        self, revisions: Sequence[str], *rest: str, suite: str, install: str = ""
    ) -> list[str]:
        """Return the arguments of the command."""
        versions = [text for one in revisions for text in ("--rev", one)]
        judged = ["--suite", suite, "--out", str(self.out / "gate")] if suite else []
        return ["ab", "--install", install, *versions, *judged, "--results", str(self.out), *rest]


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
    judged = repository.ab([base, head])
    assert judged.returncode == code, judged.stderr
    in_turn = [line.split()[-1] for line in judged.stderr.splitlines() if line[:6] == "round "]
    assert in_turn == [base, head, head, base]
    report = json.loads((repository.out / "gate" / "report.json").read_bytes())
    assert report["decision"] == decision
    for side, commit in (("baseline", base), ("candidate", head)):
        assert report[side]["commit"] == commit
        run = load_frames(repository.out / report[side]["run_id"])
        assert run.samples["replicate"].tolist() == sorted(run.samples["replicate"].tolist())
        assert set(run.samples["replicate"]) == {0, 1}
        assert len(run.manifest.pooled) == 2
    assert repository.git("worktree", "list").count("\n") == 0
    shown = ran(
        sys.executable, SCRIPTS / "comment.py", repository.out / "gate", "--print", check=True
    )
    assert "quality_gate_mine" in shown.stdout


def test_a_commit_that_cannot_be_installed_ends_it_before_anything_is_judged(
    repository: Repository,
) -> None:
    commit = repository.commit(1)
    done = repository.ab([commit, commit], install="echo no compiler >&2; exit 9")
    assert done.returncode == 2
    assert "cannot be installed (exit code 9): no compiler" in done.stderr
    assert not repository.out.exists()
    assert repository.git("worktree", "list").count("\n") == 0


def test_files_as_they_are_count_with_changes_and_new_ones(repository: Repository) -> None:
    """One callable at a commit, and as it is now: the line that was put in is named."""
    (repository.checkout / "export.py").write_text(EXPORT)
    repository.commit(1)
    (repository.checkout / "export.py").write_text(EXPORT.replace("return text", COPY))
    (repository.checkout / "fresh.py").write_text("SIZE = 8_000_000\n")
    done = repository.ab(
        ["HEAD", "."], "export:encode", "--tolerance", "5", *QUICK, suite="", install=""
    )
    assert done.returncode == 3, done.stderr
    assert ". needs" in done.stderr
    assert "% more peak heap than HEAD" in done.stderr
    grown = next(line for line in done.stdout.splitlines() if "data = text.encode()" in line)
    assert grown.split()[:3] == ["export.py:10", "encode", "-"]
    assert (repository.checkout / "fresh.py").exists()
    assert repository.git("stash", "list") == ""


@pytest.mark.parametrize(
    ("revisions", "rest", "said"),
    [
        (["HEAD", "HEAD"], ("--rounds", "3"), "3 rounds favour one side"),
        (["gone", "HEAD"], (), "git knows no 'gone'"),
        (["HEAD"], (), "--suite measures the pipelines of two versions"),
        (["HEAD", "HEAD"], ("a:b",), "--suite measures the pipelines of two versions"),
    ],
)
def test_what_makes_no_two_sides_is_refused(  # noqa: PLR0917
    inside: Harness,
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    revisions: list[str],
    rest: tuple[str, ...],
    said: str,
) -> None:
    repository.commit(1)
    monkeypatch.chdir(repository.checkout)
    done = inside(*repository.command(revisions, *rest, suite="memory.toml"))
    assert done.returncode == 2
    assert said in done.stderr
