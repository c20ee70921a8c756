"""`harness upload` against a live intake, with a real binary."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.cli.interruption import Interruption
from harness.errors import Cancelled, ConfigError, ExitCode, UploadError
from harness.intake.faults import FOREVER, Fault
from harness.intake.server import IntakeServer
from harness.tests.commands import HARNESS, ran
from harness.tests.intake.bodies import misbehave
from harness.tests.intake.echo import echo_server
from harness.tests.symbols.binaries import FIXTURES
from harness.tests.symbols.go.demo import unpack


def arguments(intake: IntakeServer, *rest: str, binary: Path | None = None) -> list[str]:
    url = f"{intake.url}/verify/symdb/v1/input"
    names = ["--service", 'a "quoted" shop', "--version", "1"]
    return ["upload", str(binary or FIXTURES / "c" / "dwarf5.so"), "--url", url, *names, *rest]


def test_both_pipelines_deliver_a_binary_with_the_same_digest(intake: IntakeServer) -> None:
    digests = set()
    variants = {
        "legacy": ["--pipeline", "legacy"],
        "streaming": [],
        "limited": ["--hard-limit", "--threshold", "4 KiB", "--sink", "disk"],
    }
    for name, options in variants.items():
        call = arguments(intake, "--upload-id", name, "--json", *options)
        result = CliRunner().invoke(app, call, catch_exceptions=False)
        assert result.exit_code == 0
        sent = json.loads(result.stdout)
        view = intake.ledger.view(name)
        assert view is not None
        assert view.accepted == sent["counters"]["batches"] == len(sent["batches"])
        assert (view.final, view.errors) == (True, [])
        digests.add(view.digest)
    assert len(digests) == 1


def test_a_failed_upload_says_what_is_known(intake: IntakeServer) -> None:
    """The first batch is accepted, the second one never answered, and the id is said first."""
    small = ["--threshold", "-1", "--attempts", "2", "--json"]
    intake.faults.replace([
        Fault(kind="too-large", value=1 << 30), Fault(kind="accept-reset", times=2)
    ])  # fmt: skip
    result = CliRunner().invoke(app, arguments(intake, *small))
    assert isinstance(result.exception, UploadError)
    known = json.loads(result.stdout)
    lines = result.stderr.splitlines()
    assert lines[0] == f"upload {known['upload_id']}"
    assert any(line.startswith("batch 2: attempt 1 failed: ") for line in lines)
    assert "batch 1 accepted, batch 2 may have been accepted, all others not sent" in lines[-2]
    assert "under a new id" in lines[-1]
    assert [(one["batch"], one["attempt"]) for one in known["retries"]] == [(2, 1)]
    assert (known["counters"]["batches"], known["maybe_accepted"]) == (1, [2])
    assert "no answer" in known["error"]
    assert not known["complete"]


def test_an_origin_and_its_version_are_sent_as_they_are_given(intake: IntakeServer) -> None:
    with echo_server() as (url, seen):
        origin = ("--evp-origin", "harness", "--evp-origin-version", "1.2")
        CliRunner().invoke(app, [*arguments(intake), "--url", url, *origin])
    told = {name: text for name, text in seen[0].items() if name.startswith("DD-")}
    assert told == {"DD-EVP-ORIGIN": "harness", "DD-EVP-ORIGIN-VERSION": "1.2"}


def test_a_limit_that_the_pipeline_cannot_keep_is_refused(intake: IntakeServer) -> None:
    call = arguments(intake, "--upload-id", "u", "--pipeline", "legacy", "--hard-limit")
    result = CliRunner().invoke(app, call)
    assert isinstance(result.exception, ConfigError)
    assert result.exception.exit_code == 2
    assert "cannot keep a hard limit" in str(result.exception)
    assert intake.ledger.view("u") is None


@pytest.mark.parametrize("pipeline", ["streaming", "legacy"])
def test_an_upload_that_lacks_refused_scopes_says_so_by_its_exit_code(
    intake: IntakeServer, pipeline: str
) -> None:
    """What was delivered and what was not is printed all the same."""
    misbehave(intake, "too-large", 800, times=FOREVER)
    call = arguments(intake, "--upload-id", "u", "--json", "--pipeline", pipeline)
    result = CliRunner().invoke(app, call, catch_exceptions=False)
    counters = json.loads(result.stdout)["counters"]
    assert counters["dropped"] > 0
    assert f"{counters['dropped']:,} scopes refused as too large" in result.stderr
    assert result.exit_code == ExitCode.INVALID
    view = intake.ledger.view("u")
    assert view is not None
    assert (view.accepted, view.final) == (counters["batches"], True)


def test_a_name_that_is_not_utf8_is_a_configuration_error(intake: IntakeServer) -> None:
    for option in ("--service", "--version", "--upload-id", "--runtime-id", "--agent-version"):
        result = CliRunner().invoke(app, arguments(intake, option, "a\udcffb"))
        assert isinstance(result.exception, ConfigError)
        assert "UTF-8" in str(result.exception)
        assert "\udcff" not in str(result.exception)


def test_a_key_that_is_not_set_is_a_configuration_error(intake: IntakeServer) -> None:
    result = CliRunner().invoke(app, arguments(intake, "--api-key-env", "NO_SUCH_KEY"))
    assert isinstance(result.exception, ConfigError)
    assert "variable" in str(result.exception)


def test_an_interrupt_ends_the_command_in_the_middle_of_a_request(intake: IntakeServer) -> None:
    misbehave(intake, "silence", times=FOREVER)
    before = threading.active_count()
    command = [*HARNESS, *arguments(intake)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while threading.active_count() == before:  # the intake has no request yet
            threading.Event().wait(0.02)
            assert process.poll() is None
        os.kill(process.pid, signal.SIGINT)
        assert process.wait() == 130


STARTED = "import runpy; print(flush=True); runpy.run_module('harness', None, '__main__', True)"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("tenths", [2, 3, 5])
def test_a_signal_at_any_moment_ends_in_a_line(
    intake: IntakeServer, number: signal.Signals, tenths: int
) -> None:
    """Imports, extraction and the first request: before Python has started, nobody can say any."""
    misbehave(intake, "silence", times=FOREVER)
    command = [sys.executable, "-c", STARTED, *arguments(intake)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        threading.Event().wait(tenths / 10)
        process.send_signal(number)
        _, said = process.communicate()
    assert process.returncode in {130, -number}
    assert "Traceback" not in said or "harness" not in said  # while Python looks for our package
    assert said.strip() or process.returncode == -number


def test_a_signal_ends_the_first_walk_over_a_program_where_it_is(
    intake: IntakeServer, tmp_path: Path
) -> None:
    """Until the first package nobody asks whether to stop: seconds, for large ones."""
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    ended = threading.Event()

    def interrupt() -> None:
        while not ended.is_set():
            stack = traceback.walk_stack(sys._current_frames()[main_thread])
            if any(frame.f_code.co_filename.endswith("go/prepass.py") for frame, _ in stack):
                os.kill(os.getpid(), signal.SIGINT)
                return

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=interrupt)
    thread.start()
    result = CliRunner().invoke(app, arguments(intake, "--upload-id", "u", binary=unpack(tmp_path)))
    ended.set()
    thread.join()
    assert isinstance(result.exception, Cancelled)
    torn = traceback.extract_tb(result.exception.__traceback__)
    assert any(frame.filename.endswith("go/prepass.py") for frame in torn)
    assert intake.ledger.view("u") is None
    assert signal.getsignal(signal.SIGINT) == before


def test_whoever_insists_is_heard_within_a_step_of_the_pipeline() -> None:
    interruption = Interruption()
    with interruption.on_signals():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Cancelled):
            signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_the_caller_had_ignored_stays_ignored() -> None:
    """`nohup` and shells in the background ignore Ctrl-C on purpose."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interruption = Interruption()
        with interruption.on_signals():
            signal.raise_signal(signal.SIGINT)
            interruption.cancellation.check()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("missing", ["urllib3", "tenacity"])
def test_without_the_extra_a_line_says_what_is_missing(missing: str, intake: IntakeServer) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; from harness.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments(intake)]
    done = ran(*command)
    assert done.returncode == ExitCode.USAGE
    assert f"uploading needs {missing}, which is not installed" in done.stderr
    assert "pip install 'heapharness[upload]'" in done.stderr
