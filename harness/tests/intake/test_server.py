"""What the intake takes, refuses and remembers."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys

import pytest
from hypothesis import given

from harness.config import PipelineOptions, UploadOptions
from harness.errors import ConfigError, UploadError
from harness.intake.client import IntakeClient
from harness.intake.faults import KINDS, FaultQueue, parse_fault
from harness.intake.server import IntakeServer, serve
from harness.pipelines import legacy, streaming
from harness.records import Batch
from harness.tests.intake.bodies import ledger_of, make_body, make_raw
from harness.tests.intake.deliveries import (
    GZIP_AT,
    WHOLE,
    changed,
    connect,
    data_of,
    deliver,
    request,
)
from harness.tests.pipelines import strategies
from harness.tests.pipelines.parcels import Parcel, iter_packages


def test_every_damaged_byte_of_the_gzip_part_is_noticed(intake: IntakeServer) -> None:
    end = WHOLE.index(b"\r\n--XX", GZIP_AT)
    for position in range(GZIP_AT + 10, end):
        damaged = bytearray(WHOLE)
        damaged[position] ^= 0xFF
        assert deliver(intake, bytes(damaged))[0] == 400


def test_batches_are_taken_in_order_only(intake: IntakeServer) -> None:
    assert deliver(intake, data_of(make_body(2)))[0] == 400
    assert deliver(intake, data_of(make_body(1)))[0] == 202
    assert deliver(intake, data_of(make_body(1)))[0] == 202
    assert deliver(intake, data_of(make_body(3)))[0] == 400
    assert deliver(intake, data_of(make_body(2, final=True)))[0] == 202
    assert deliver(intake, data_of(make_body(3)))[0] == 400
    view = ledger_of(intake)
    assert (view.accepted, view.duplicates, len(view.errors), view.final) == (2, 1, 3, True)


def test_another_batch_under_a_number_that_was_accepted_is_a_conflict(intake: IntakeServer) -> None:
    other = data_of(make_body(scopes=changed(b'"f"', b'"g"'), final=True))
    assert deliver(intake, WHOLE)[0] == 202
    status, error = deliver(intake, other)
    assert status == 400
    assert "other content" in error
    assert deliver(intake, WHOLE)[0] == 202
    view = ledger_of(intake)
    assert (view.accepted, view.duplicates, len(view.errors)) == (1, 1, 1)


def test_the_ledger_is_shown_and_forgotten_over_http(intake: IntakeServer) -> None:
    deliver(intake, WHOLE)
    status, view = request(intake, "GET", "/ledger/upload-1")
    assert status == 200
    assert (view["accepted"], view["scopes"], view["functions"]) == (1, 1, 1)
    assert view["batches"][0]["payload_bytes"] == len(WHOLE)
    assert request(intake, "DELETE", "/ledger/upload-1") == (200, {"forgotten": True})
    assert request(intake, "GET", "/ledger/upload-1")[0] == 404
    assert request(intake, "DELETE", "/ledger/upload-1")[0] == 404
    assert request(intake, "POST", "/elsewhere", b"x")[0] == 404


def test_faults_are_ordered_over_http(intake: IntakeServer) -> None:
    orders = json.dumps([{"kind": "status", "value": 503}]).encode()
    assert request(intake, "PUT", "/faults", orders)[0] == 200
    assert deliver(intake, WHOLE)[0] == 503
    assert deliver(intake, WHOLE)[0] == 202
    assert request(intake, "PUT", "/faults", b'[{"kind":"flood"}]')[0] == 400
    assert request(intake, "PUT", "/faults", b"{")[0] == 400
    assert request(intake, "PUT", "/else", b"[]")[0] == 404


@pytest.mark.parametrize(
    ("length", "status"), [("9" * 5000, 413), ("0" * 5000 + "5", 400), ("-1", 411), ("²", 411)]
)
def test_no_length_is_too_strange(
    intake: IntakeServer, capfd: pytest.CaptureFixture[str], length: str, status: int
) -> None:
    head = "POST /count/symdb/v1/input HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\nbytes"
    with connect(intake) as connection:
        connection.sendall((head % length).encode("latin-1", "replace"))
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").readline()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("text", ["flood", "status:x", "status*x", ""])
def test_a_fault_that_does_not_exist_is_a_configuration_error(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_fault(text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_can_be_written_down(kind: str) -> None:
    fault = parse_fault(f"{kind}:7*2")
    assert (fault.kind, fault.value, fault.times) == (kind, 7, 2)
    queue = FaultQueue()
    queue.replace([fault])
    assert [queue.take() is None for _ in range(3)] == [False, False, True]


PIPELINES = {
    "legacy": (legacy.run, PipelineOptions(function_limit=2)),
    "streaming": (streaming.run, PipelineOptions(threshold_bytes=0)),
    "hard limit": (streaming.run, PipelineOptions(hard_limit=True, threshold_bytes=900)),
    "disk, synced": (streaming.run, PipelineOptions(sink="disk", sync_flush="scope")),
}


@given(strategies.packages)
def test_for_all_scopes_every_pipeline_delivers_the_same(parcels: list[Parcel]) -> None:
    results = set()
    with serve() as intake:
        for name, (run, options) in PIPELINES.items():
            url = f"{intake.url}/verify/symdb/v1/input"
            batches = list[Batch]()
            with IntakeClient(UploadOptions(url=url, upload_id=name.replace(" ", "-"))) as client:
                counters = run(iter_packages(parcels), client, options, batches.append)
                view = intake.ledger.view(client.options.upload_id)
            if view is None:
                assert not parcels
                continue
            assert view.errors == []
            assert view.final
            assert (view.accepted, view.scopes) == (len(batches), counters.scopes)
            assert [e.payload_bytes for e in view.batches] == [b.payload_bytes for b in batches]
            results.add((view.digest, view.scopes, view.functions))
    assert len(results) <= 1


@pytest.mark.parametrize(
    ("code", "expected"), [(errno.ENOSPC, 507), (errno.EDQUOT, 507), (errno.EMFILE, 500)]
)
def test_a_sender_hears_of_what_goes_wrong_in_the_intake(
    code: int,
    expected: int,
    intake: IntakeServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("tempfile.TemporaryFile", fail)
    status, error = deliver(intake, WHOLE)
    assert status == expected
    assert os.strerror(code) in error
    assert (os.strerror(code) in capfd.readouterr().err) == (expected == 500)


def test_a_bomb_is_read_in_pieces(intake: IntakeServer) -> None:
    """60 MiB of spaces arrive as 60 KiB; nothing is held, and the answer is about the JSON."""
    status, error = deliver(intake, make_raw(b'{"service":"a"' + b" " * (60 << 20)))
    assert (status, "expected" in error) == (400, True)


def test_the_process_says_where_it_listens_and_ends_with_its_standard_input() -> None:
    options = ["--port", "0", "--misbehave", "status:503"]
    command = [sys.executable, "-m", "harness.intake.server", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        url = json.loads(process.stdout.readline())["url"]
        url = f"{url}/count/symdb/v1/input"
        with IntakeClient(UploadOptions(url=url, upload_id="upload-1")) as client:
            with pytest.raises(UploadError, match="503"):
                client.post(make_body())
            client.post(make_body())
        process.stdin.close()
        assert process.wait() == 0
