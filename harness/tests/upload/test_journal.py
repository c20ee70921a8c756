"""An upload that ended early is gone on with under its id, and its end can be read back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from typer.testing import CliRunner, Result

from harness.cli.app import app
from harness.cli.shipment import Means, Shipment
from harness.config import PipelineOptions, SymbolOptions, UploadOptions
from harness.errors import Cancelled, ConfigError, HarnessError, MeasurementInvalid, UploadError
from harness.intake.faults import FOREVER, Fault
from harness.intake.ledger import LedgerView
from harness.intake.server import IntakeServer
from harness.pipelines import streaming
from harness.records import Batch, Counters
from harness.tests.commands import HARNESS, ran
from harness.tests.described import assert_described
from harness.tests.disks import mounted
from harness.tests.intake.bodies import misbehave
from harness.tests.intake.echo import echo_server
from harness.tests.symbols.binaries import FIXTURES
from harness.tests.upload.senders import ONCE
from harness.upload.client import NoLedger, Uploader
from harness.upload.journal import Journal

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
    command = [*HARNESS, *arguments(intake, "--journal", journal)]
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
        pytest.param("[" * 50_000 + "\n", "not the journal of an upload", id="deep"),
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


@pytest.mark.parametrize("pipeline", ["streaming", "legacy"])
@pytest.mark.parametrize("passing", [3, 5])
def test_a_batch_that_was_split_is_gone_on_with_in_halves(
    intake: IntakeServer, tmp_path: Path, pipeline: str, passing: int
) -> None:
    """The first upload ends at a half that fits; what was too large is not even tried again."""
    whole, journal = ("--pipeline", pipeline, "--threshold", "1 MiB"), tmp_path / "upload.jsonl"
    splits = Fault(kind="too-large", value=900)
    faults = [structs.replace(splits, times=1)] * passing + [Fault(kind="accept-reset")]
    intake.faults.replace(faults)
    failed = call(intake, *whole, "--journal", journal, "--json")
    assert isinstance(failed.exception, UploadError)
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    refused = [line["digest"] for line in lines if line["state"] == "too-large"]
    assert refused
    intake.faults.replace([structs.replace(splits, times=FOREVER)])
    done = call(intake, *whole, "--resume", journal, "--verify", "--json")
    known, view = json.loads(done.stdout), view_of(intake, json.loads(failed.stdout))
    assert (known["complete"], known["verified"]) == (True, True), done.stderr
    assert (view.accepted, view.duplicates) == (known["counters"]["batches"], 1)
    assert done.exit_code == (4 if known["counters"]["dropped"] else 0)
    again = journal.read_text().splitlines()[len(lines) :]
    assert not {json.loads(line)["digest"] for line in again} & set(refused)


def test_a_batch_that_is_too_large_after_it_may_have_been_accepted_ends_the_upload(
    intake: IntakeServer, tmp_path: Path
) -> None:
    journal = tmp_path / "upload.jsonl"
    intake.faults.replace([PASSED, Fault(kind="accept-reset")])
    call(intake, "--journal", journal)
    misbehave(intake, "too-large", times=FOREVER)
    stuck = call(intake, "--resume", journal, "--json")
    assert isinstance(stuck.exception, UploadError)
    assert json.loads(stuck.stdout)["maybe_accepted"] == [2]
    assert "begin a new one" in stuck.stderr.splitlines()[-1]


def test_two_uploads_never_share_a_journal(intake: IntakeServer, tmp_path: Path) -> None:
    journal = tmp_path / "upload.jsonl"
    first = Journal("held by this process", journal)
    command = [*HARNESS, *arguments(intake, "--resume", journal)]
    second = ran(*command)
    first.close()
    assert second.returncode == 2
    (line,) = second.stderr.splitlines()
    assert line == f"error: the journal {journal} is in use by another upload — wait for its end"
    assert len(journal.read_text().splitlines()) == 1


@pytest.fixture
def one_page(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 4 KiB, in which the length of an id decides how many lines fit."""
    yield from mounted(tmp_path / "disk", "4k")


@pytest.mark.parametrize(
    ("characters", "fitting", "accepted"),
    [
        pytest.param(4050, [], None, id="nothing begun"),
        pytest.param(3000, ["begun"], 0, id="nothing sent"),
        pytest.param(1500, ["begun", "sending"], 1, id="accepted"),
    ],
)
def test_a_journal_on_a_full_disk_tells_no_more_than_fits_and_ends_the_upload(
    intake: IntakeServer, one_page: Path, characters: int, fitting: list[str], accepted: int | None
) -> None:
    journal, upload_id = one_page / "upload.jsonl", "i" * characters
    full = call(intake, "--upload-id", upload_id, "--journal", journal, "--json")
    assert isinstance(full.exception, HarnessError)
    assert "cannot be written: No space left on device" in str(full.exception)
    assert (intake.ledger.view(upload_id) is not None) == bool(accepted)
    if accepted is None:
        assert not journal.exists()
        return
    states = [json.loads(line)["state"] for line in journal.read_text().splitlines()]
    known = json.loads(full.stdout)
    assert (states, known["accepted"], known["maybe_accepted"]) == (fitting, accepted, [])
    subprocess.run(["mount", "-o", "remount,size=1m", one_page], check=True)
    done = call(intake, "--resume", journal, "--verify")
    assert done.exit_code == 0, done.stderr


def interrupting(after: int) -> Callable[..., Counters]:
    """Return a pipeline in which Ctrl-C comes with one of its batches."""

    def run(*given: Any) -> Counters:
        packages, poster, options, observe = given

        def tell(batch: Batch) -> None:
            observe(batch)
            if batch.batch_num == after:
                signal.raise_signal(signal.SIGINT)

        return streaming.run(packages, poster, options, tell)

    return run


@pytest.mark.parametrize("passing", [1, FOREVER])
def test_going_on_that_is_called_off_says_no_less_than_was_known(
    intake: IntakeServer, tmp_path: Path, passing: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """While batches are still passed over, a complete upload stays complete."""
    path = tmp_path / "upload.jsonl"
    intake.faults.replace([structs.replace(PASSED, times=passing), Fault(kind="status", value=403)])
    call(intake, "--journal", path)
    url = f"{intake.url}/verify/symdb/v1/input"
    destination = UploadOptions(url=url, service="shop", version="1", timeout_s=20.0)
    means = Means(policy=ONCE, secrets={}, headers={}, trust_env=False)
    options = PipelineOptions(threshold_bytes=-1)
    journal = Journal.resume(path)
    shipment = Shipment(destination, means, journal)
    with closing(journal), pytest.raises(Cancelled) as caught:
        shipment.send(LIBRARY, SymbolOptions(), interrupting(1), options, verify=False)
    shipment.report(caught.value, as_json=True)
    said = capsys.readouterr()
    known = json.loads(said.out)
    assert known["complete"] == (passing == FOREVER)
    assert known["accepted"] == (
        known["accepted_before"] if passing == 1 else view_of(intake, known).accepted
    )
    assert (": complete: " in said.err) == known["complete"]


def test_what_cannot_be_verified_is_no_success(intake: IntakeServer) -> None:
    misbehave(intake, "status", 202, times=FOREVER)
    unheard = call(intake, "--verify", "--json")
    assert isinstance(unheard.exception, MeasurementInvalid), unheard.stderr
    known = json.loads(unheard.stdout)
    assert (known["complete"], known["verified"]) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"[]", id="a list"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}", id="deep"),
        pytest.param(b'{"accepted":' + b"9" * 5000 + b"}", id="vast"),
    ],
)
def test_a_ledger_that_cannot_be_read_is_one_line(text: bytes) -> None:
    answer = b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
    with echo_server(lambda _: answer) as (url, _):
        options = UploadOptions(url=f"{url}count/symdb/v1/input", upload_id="u")
        with Uploader(options, ONCE) as uploader, pytest.raises(NoLedger):
            uploader.read_ledger()
