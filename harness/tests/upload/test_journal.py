"""An upload that ended early is gone on with under its id, and its end can be read back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from harness.cli.app import app
from harness.errors import ConfigError, MeasurementInvalid, UploadError
from harness.intake.faults import FOREVER, Fault
from harness.intake.ledger import LedgerView
from harness.intake.server import IntakeServer
from harness.tests.described import assert_described
from harness.tests.intake.bodies import misbehave
from harness.tests.symbols.binaries import FIXTURES

LIBRARY, OTHER = FIXTURES / "c" / "dwarf5.so", FIXTURES / "cpp" / "dwarf5.so"
PASSED = Fault(kind="too-large", value=1 << 30)


def arguments(intake: IntakeServer, *rest: str | Path, binary: Path = LIBRARY) -> list[str]:
    url = f"{intake.url}/verify/symdb/v1/input"
    names = ("--service", "shop", "--version", "1", "--threshold", "-1", "--attempts", "1")
    return ["upload", str(binary), "--url", url, *names, *map(str, rest)]


def call(intake: IntakeServer, *rest: str | Path, binary: Path = LIBRARY) -> Result:
    return CliRunner().invoke(app, arguments(intake, *rest, binary=binary))


def view_of(intake: IntakeServer, known: dict[str, Any]) -> LedgerView:
    view = intake.ledger.view(known["upload_id"])
    assert view is not None
    return view


@pytest.mark.parametrize("pipeline", ["streaming", "legacy"])
@pytest.mark.parametrize(
    ("fault", "maybe"),
    [
        pytest.param(Fault(kind="status", value=403), [], id="refused"),
        pytest.param(Fault(kind="accept-reset"), [2], id="accepted, not answered"),
    ],
)
def test_what_was_accepted_is_not_sent_again(
    intake: IntakeServer, tmp_path: Path, pipeline: str, fault: Fault, maybe: list[int]
) -> None:
    journal, options = tmp_path / "upload.jsonl", ("--pipeline", pipeline, "--function-limit", "1")
    intake.faults.replace([PASSED, fault])
    failed = call(intake, *options, "--journal", journal, "--json")
    assert isinstance(failed.exception, UploadError)
    known = json.loads(failed.stdout)
    assert (known["accepted"], known["maybe_accepted"]) == (1, maybe)
    assert f"--resume {journal}" in failed.stderr.splitlines()[-1]
    for line in journal.read_text().splitlines():
        assert_described("upload.jsonl", json.loads(line))
    intake.faults.replace([])
    done = call(intake, *options, "--resume", journal, "--verify", "--json")
    assert done.exit_code == 0, done.stderr
    whole = json.loads(done.stdout)
    assert_described("upload.json", whole)
    assert whole["upload_id"] == known["upload_id"]
    assert (whole["accepted_before"], whole["complete"], whole["verified"]) == (1, True, True)
    view = view_of(intake, whole)
    assert (view.accepted, view.duplicates) == (whole["counters"]["batches"], len(maybe))
    assert (view.final, view.errors) == (True, [])


def test_an_upload_that_was_killed_is_gone_on_with(intake: IntakeServer, tmp_path: Path) -> None:
    journal = tmp_path / "upload.jsonl"
    intake.faults.replace([PASSED, Fault(kind="silence")])
    command = [sys.executable, "-m", "harness", *arguments(intake, "--journal", journal)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not (journal.exists() and journal.read_text().count("sending") == 2):
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
    with journal.open("a") as file:
        file.write('{"upload_id": "cut sho')
    intake.faults.replace([])
    done = call(intake, "--resume", journal, "--verify", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["accepted_before"] == 1


def test_another_binary_is_no_way_to_go_on(intake: IntakeServer, tmp_path: Path) -> None:
    journal = tmp_path / "upload.jsonl"
    intake.faults.replace([PASSED, Fault(kind="status", value=403)])
    call(intake, "--journal", journal)
    intake.faults.replace([])
    refused = call(intake, "--resume", journal, binary=OTHER)
    assert isinstance(refused.exception, ConfigError)
    assert "batch 1 is not what was sent before" in str(refused.exception)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("", "not the journal of one upload", id="empty"),
        pytest.param("{}\n", "not the journal of an upload", id="something else"),
        pytest.param(None, "cannot be opened", id="missing"),
    ],
)
def test_what_is_no_journal_is_one_line(
    intake: IntakeServer, tmp_path: Path, content: str | None, said: str
) -> None:
    journal = tmp_path / "upload.jsonl"
    if content is not None:
        journal.write_text(content)
    refused = call(intake, "--resume", journal)
    assert isinstance(refused.exception, ConfigError)
    assert said in str(refused.exception)


def test_a_journal_begins_once(intake: IntakeServer, tmp_path: Path) -> None:
    journal = tmp_path / "upload.jsonl"
    assert call(intake, "--journal", journal).exit_code == 0
    refused = call(intake, "--journal", journal)
    assert isinstance(refused.exception, ConfigError)
    assert "--resume" in refused.exception.remedy


def test_what_cannot_be_verified_is_no_success(intake: IntakeServer) -> None:
    misbehave(intake, "status", 202, times=FOREVER)
    unheard = call(intake, "--verify", "--json")
    assert isinstance(unheard.exception, MeasurementInvalid), unheard.stderr
    known = json.loads(unheard.stdout)
    assert (known["complete"], known["verified"]) == (True, False)
