"""The client of measured processes against an intake that misbehaves, over real sockets."""

from __future__ import annotations

import io
import socket
from typing import IO

import pytest

from harness.config import KIB, UploadOptions
from harness.errors import ConfigError, PayloadTooLarge, UploadError
from harness.intake import VERIFY_PATH
from harness.intake.client import IntakeClient
from harness.intake.faults import FOREVER
from harness.intake.server import IntakeServer
from harness.tests.intake.bodies import UPLOAD_ID, ledger_of, make_body, misbehave
from harness.tests.intake.echo import echo_server


def make_client(intake: IntakeServer, timeout_s: float = 20.0) -> IntakeClient:
    url = intake.url + VERIFY_PATH
    return IntakeClient(UploadOptions(url=url, upload_id=UPLOAD_ID, timeout_s=timeout_s))


def test_batches_arrive_over_one_kept_connection(intake: IntakeServer) -> None:
    ports = set()
    with make_client(intake) as client:
        for number in range(1, 6):
            client.post(make_body(number, final=number == 5))
            assert client._connection.sock is not None
            ports.add(client._connection.sock.getsockname())
    view = ledger_of(intake)
    assert (view.accepted, view.duplicates, view.errors, view.final) == (5, 0, [], True)
    assert len(ports) == 1


def test_a_request_says_what_the_body_is_and_how_long() -> None:
    body = make_body()
    accept = b"HTTP/1.1 202 x\r\nContent-Length: 0\r\n\r\n"
    with (
        echo_server(lambda _: accept) as (url, seen),
        IntakeClient(UploadOptions(url=url)) as client,
    ):
        client.post(body)
    assert seen[0]["Content-Length"] == str(len(body))
    assert seen[0]["Content-Type"] == body.content_type
    assert "Transfer-Encoding" not in seen[0]


class CountingBody:
    """A body that notes how much of it is asked for at a time."""

    content_type = "multipart/form-data; boundary=XX"

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.sizes: list[int] = []

    def __len__(self) -> int:
        return len(self._data)

    def open(self) -> IO[bytes]:
        body = self

        class Reader(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                body.sizes.append(size or -1)
                return super().read(size)

        return Reader(self._data)


def test_a_body_is_never_read_whole(intake: IntakeServer) -> None:
    whole = make_body(padding=500_000)
    body = CountingBody(whole.open().read())
    with make_client(intake) as client:
        client.post(body)
    assert len(body) > 400_000
    assert set(body.sizes) == {16 * KIB}
    assert ledger_of(intake).accepted == 1


@pytest.mark.parametrize(("kind", "status"), [("status", 429), ("early-status", 503)])
def test_a_refusal_is_an_upload_error_and_not_tried_again(
    intake: IntakeServer, kind: str, status: int
) -> None:
    misbehave(intake, kind, status)
    with make_client(intake) as client:
        with pytest.raises(UploadError, match=f"HTTP {status}") as caught:
            client.post(make_body())
        assert type(caught.value) is UploadError
        client.post(make_body())
    view = ledger_of(intake)
    assert (view.accepted, view.duplicates) == (1, 0)


def test_a_payload_too_large_is_an_error_of_its_own(intake: IntakeServer) -> None:
    misbehave(intake, "too-large", 1000)
    with make_client(intake) as client:
        with pytest.raises(PayloadTooLarge):
            client.post(make_body(padding=2000))
        client.post(make_body())
    assert ledger_of(intake).accepted == 1


@pytest.mark.parametrize("kind", ["drip", "continue", "silence"])
def test_no_intake_outlasts_the_deadline(intake: IntakeServer, kind: str) -> None:
    """Each of them sends a byte or an interim answer for ever; the test ends because we do."""
    misbehave(intake, kind, times=FOREVER)
    with (
        make_client(intake, timeout_s=0.3) as client,
        pytest.raises(UploadError, match=r"within 0\.3 s"),
    ):
        client.post(make_body())


def test_a_connection_that_was_dropped_while_nobody_posted_is_opened_anew(
    intake: IntakeServer,
) -> None:
    """Extraction may take longer than the intake waits for the next request."""
    with make_client(intake) as client:
        client.post(make_body())
        assert client._connection.sock is not None
        client._connection.sock.shutdown(socket.SHUT_RD)  # reads as an end, as a dropped one does
        client.post(make_body(2))
    assert ledger_of(intake).accepted == 2


def test_nobody_listening_is_an_upload_error() -> None:
    client = IntakeClient(UploadOptions(url="http://127.0.0.1:1/"))
    with client, pytest.raises(UploadError, match="refused"):
        client.post(make_body())


@pytest.mark.parametrize("url", ["", "https://127.0.0.1:1/", "http:///x", "http://127.0.0.1/x"])
def test_only_the_url_of_an_intake_is_taken(url: str) -> None:
    with pytest.raises(ConfigError):
        IntakeClient(UploadOptions(url=url))
