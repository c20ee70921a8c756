"""TLS against a server with a certificate made on the spot."""

from __future__ import annotations

import gc
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.config import UploadOptions
from harness.errors import Cancelled, UploadError
from harness.intake.server import IntakeServer
from harness.tests.intake.bodies import make_body
from harness.tests.upload.peers import PEERS, give, read_request, serving
from harness.tests.upload.senders import HASTY, ONCE
from harness.tests.upload.test_answers import LARGE, post_networked
from harness.upload.client import Uploader
from harness.upload.guard import Cancellation
from harness.upload.retry import RequestFailed

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
               "-keyout", str(path.with_suffix(".key")), "-out", str(path)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.fixture
def secure_intake(certificate: Path) -> Iterator[IntakeServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    with IntakeServer(("127.0.0.1", 0)) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def options_for(port: int, host: str = "localhost", timeout_s: float = 20.0) -> UploadOptions:
    url = f"https://{host}:{port}/verify/symdb/v1/input"
    return UploadOptions(url=url, upload_id="upload-1", timeout_s=timeout_s)


def test_a_trusted_server_gets_the_batches(
    secure_intake: IntakeServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with Uploader(options_for(secure_intake.server_port), HASTY) as uploader:
        for number in range(1, 4):
            uploader.post(make_body(number, padding=200_000))
    view = secure_intake.ledger.view("upload-1")
    assert view is not None
    assert view.accepted == 3


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["unknown issuer", "wrong name"])
def test_a_server_that_cannot_prove_itself_gets_nothing_and_is_not_asked_again(
    secure_intake: IntakeServer, certificate: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    if host != "localhost":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    uploader = Uploader(options_for(secure_intake.server_port, host), HASTY)
    with uploader, pytest.raises(UploadError, match="TLS failed") as caught:
        uploader.post(make_body())
    assert isinstance(caught.value, RequestFailed)
    assert not caught.value.retryable
    assert secure_intake.ledger.view("upload-1") is None


CLOSING = [
    "plain",
    "no length",
    "http 1.0",
    "says that it closes",
    "two lengths",
    "chunks cut short",
]


@pytest.mark.parametrize("name", [*CLOSING, "accepted unread", "no answer", "status 503"])
def test_an_answer_over_tls_means_what_it_says(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whoever closes says so within TLS, and our own end of that is not part of the request."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context, peer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), PEERS[name]
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))

    def answer(sock: socket.socket, stopping: threading.Event) -> None:
        with context.wrap_socket(sock, server_side=True) as secure:
            if peer.reads is None:
                read_request(secure)
            give(secure, peer, stopping)

    with serving(answer, small_window=peer.reads is not None) as url:
        said = post_networked(url.replace("http://127.0.0.1", "https://localhost"), LARGE)
    assert said.outcome == peer.outcome


def test_cancelling_a_handshake_leaves_no_socket_to_the_collector() -> None:
    cancellation = Cancellation()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = options_for(listener.getsockname()[1], "127.0.0.1", timeout_s=3600.0)
        with Uploader(options, ONCE, cancellation=cancellation) as uploader:
            timer = threading.Timer(0.2, cancellation.cancel)
            gc.disable()
            before = set(Path("/proc/self/fd").iterdir())
            timer.start()
            with pytest.raises(Cancelled):
                uploader.post(make_body())
            after = set(Path("/proc/self/fd").iterdir())
            gc.enable()
            timer.join()
    assert after <= before


def test_a_handshake_that_never_ends_meets_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        uploader = Uploader(options_for(port, timeout_s=0.3), ONCE)
        with uploader, pytest.raises(RequestFailed, match="deadline"):
            uploader.post(make_body())
