"""How a run stands, told from its files while another process may be writing them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from harness.cli.status import status
from harness.records import Manifest
from harness.store import COMPLETE, INTERRUPTED, RUNNING, RunWriter
from harness.store.progress import HowFar, status_of, write_progress
from harness.tests.store.records import a_record

FAR = HowFar(done=2, total=8, unit="processes", eta_s=60.0)


def written(tmp_path: Path) -> RunWriter:
    writer = RunWriter.create(tmp_path, Manifest(state=RUNNING))
    writer.append(a_record())
    writer.append(a_record("crashed", replicate=1))
    write_progress(writer.path, FAR)
    return writer


def test_a_run_is_running_while_its_lock_is_held_and_abandoned_after(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with written(tmp_path) as writer:
        found = status_of(writer.path)
        assert (found.state, found.begun, found.progress) == ("running", 1, FAR)
        assert list(found.failed.values()) == [1]
        status(writer.path)
        assert "2 of 8 processes done, about 1 min" in capsys.readouterr().out
    assert status_of(writer.path).state == "abandoned"
    status(writer.path)
    assert f"--resume {writer.path}" in capsys.readouterr().out


@pytest.mark.parametrize("state", [COMPLETE, INTERRUPTED])
def test_what_has_ended_says_how(tmp_path: Path, state: Literal["complete", "interrupted"]) -> None:
    with written(tmp_path) as writer:
        writer.update_manifest(state=state)
    assert status_of(writer.path).state == state


def test_progress_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    write_progress(tmp_path / "gone", FAR)
    assert not list(tmp_path.iterdir())
