"""Standard streams that cannot be written: a line and an exit code, and never a false success."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.tests.commands import HARNESS, ran
from harness.tests.reports.golden_files import RUN

FULL = Path("/dev/full")


def harness(arguments: list[str], shell: str) -> subprocess.CompletedProcess[str]:
    """Run `harness ARGUMENTS` with what `shell` does to its streams; `$@` is the command."""
    command = ("bash", "-o", "pipefail", "-c", f'"$@" {shell}', "bash", *HARNESS)
    return ran(*command, *arguments, env={**os.environ, "NO_COLOR": "1"})


@pytest.mark.parametrize(
    "arguments", [["-h"], ["status", str(RUN), "--json"]], ids=lambda arguments: arguments[0]
)
def test_output_on_a_full_disk_is_one_line_and_no_success(arguments: list[str]) -> None:
    done = harness(arguments, f"> {FULL}")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize(
    ("shell", "reason"), [("| true", "its reader is gone"), (">&-", "it is closed")]
)
def test_output_that_nobody_takes_is_one_line_and_no_success(shell: str, reason: str) -> None:
    done = harness(["status", str(RUN), "--json"], shell)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert reason in done.stderr


def test_the_verdict_of_a_gate_is_its_exit_code_whoever_reads_it(tmp_path: Path) -> None:
    """Its four files are written by then; `| true` has the exit code of the gate, by pipefail."""
    gate = ["gate", str(RUN), "--suite", "ci", "--out", str(tmp_path), "--json"]
    done = harness(gate, "| true")
    assert done.returncode == 4, done.stderr
    assert "warning: standard output cannot be written" in done.stderr
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("kib", [120_000, 300_000, 500_000])
def test_too_little_address_space_is_one_line(tmp_path: Path, kib: int) -> None:
    command = f"ulimit -v {kib}; {' '.join(HARNESS)} gate {RUN} --out {tmp_path}"
    done = ran("bash", "-c", command, timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "this process is limited to" in done.stderr


def test_a_gate_needs_no_working_directory_no_output_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep me")
    (tmp_path / "gone").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.md").symlink_to(tmp_path / "mine")
    there = f"cd {tmp_path}/gone && rmdir ../gone && {' '.join(HARNESS)} gate {RUN} --suite ci"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = ran("bash", "-c", f"{there} --out {tmp_path}/out > {FULL}", env=environment)
    assert done.returncode == 4, done.stderr
    assert "warning: standard output cannot be written" in done.stderr
    assert "broke down" not in (tmp_path / "out" / "report.md").read_text()
    assert (tmp_path / "mine").read_text() == "keep me"
    assert not (tmp_path / "out" / "report.md").is_symlink()


@pytest.mark.parametrize(("shell", "run", "exit_code"), [("2>&-", FULL, 2), (f"2> {FULL}", RUN, 0)])
def test_what_cannot_be_said_on_standard_error_changes_nothing(
    shell: str, run: Path, exit_code: int
) -> None:
    assert harness(["status", str(run)], shell).returncode == exit_code
