"""Scratch directories do not outlive their runs, and nobody's is taken from under them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.run.scratch import scratch_directory
from harness.tests.waiting import wait_until

HOLDER = """
import time
from harness.run.scratch import scratch_directory
with scratch_directory() as path:
    (path / "capture").write_text("x")
    print(path, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that uses a scratch directory."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


@pytest.mark.usefixtures("temporary")
def test_a_directory_is_gone_when_it_is_left(tmp_path: Path) -> None:
    with scratch_directory() as path:
        assert path.parent == tmp_path
        (path / "capture").write_text("x")
    assert not list(tmp_path.iterdir())


def children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_nothing_is_left_of_a_process_that_was_killed(
    holder: tuple[subprocess.Popen[str], Path],
) -> None:
    process, left = holder
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert wait_until(lambda: not left.exists())


@pytest.mark.usefixtures("temporary")
def test_what_was_left_because_everybody_was_killed_is_removed_by_the_next(
    holder: tuple[subprocess.Popen[str], Path],
) -> None:
    process, left = holder
    for victim in (*children_of(process.pid), process.pid):
        os.kill(victim, signal.SIGKILL)
    process.wait()
    assert (left / "capture").exists()
    with scratch_directory():
        assert not left.exists()


@pytest.mark.usefixtures("temporary")
def test_what_a_living_process_uses_is_left_alone(
    holder: tuple[subprocess.Popen[str], Path],
) -> None:
    with scratch_directory():
        assert (holder[1] / "capture").exists()


@pytest.mark.usefixtures("temporary")
def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "harness-of-the-horse"
    (other / "reins").mkdir(parents=True)
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / ".lock").touch()
    (tmp_path / "harness-link").symlink_to(target)
    with scratch_directory():
        assert (other / "reins").exists()
        assert (target / ".lock").exists()


def test_where_nothing_can_be_made_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(StoreError, match="TMPDIR"), scratch_directory():
        pass
