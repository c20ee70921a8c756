"""Standard streams that cannot be written: a line and an exit code, and never a false success."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.tests.reports.golden_files import RUN

FULL = Path("/dev/full")


def harness(arguments: list[str], shell: str) -> subprocess.CompletedProcess[str]:
    """Run `harness ARGUMENTS` with what `shell` does to its streams; `$@` is the command."""
    command = ["bash", "-o", "pipefail", "-c", f'"$@" {shell}', "bash", sys.executable, "-m"]
    return subprocess.run(
        [*command, "harness", *arguments],
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [["-h"], ["compare", str(RUN), "--arms", "legacy", "streaming", "--json"]],
    ids=lambda arguments: arguments[0],
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
    done = harness(["schema", "manifest.json"], shell)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert reason in done.stderr


@pytest.mark.parametrize(
    ("shell", "name", "exit_code"), [("2>&-", "no.such", 2), (f"2> {FULL}", "manifest.json", 0)]
)
def test_what_cannot_be_said_on_standard_error_changes_nothing(
    shell: str, name: str, exit_code: int
) -> None:
    assert harness(["schema", name], shell).returncode == exit_code
