"""Uploads through a proxy that the environment names."""

from __future__ import annotations

import socket
import threading
from base64 import b64encode

import pytest

from harness.config import UploadOptions
from harness.errors import ConfigError, UploadError
from harness.tests.intake.bodies import make_body
from harness.tests.intake.echo import echo_server
from harness.tests.upload.senders import ONCE
from harness.upload.client import Uploader
from harness.upload.retry import RequestFailed

PASSWORD = "pr0xy-p%40ss"  # with an encoded @ in it


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def make_client(url: str = "http://intake.invalid/symdb", timeout_s: float = 20.0) -> Uploader:
    return Uploader(UploadOptions(url=url, timeout_s=timeout_s), ONCE, trust_env=True)


def test_a_proxy_of_the_environment_is_used_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with echo_server() as (proxy, seen):
        monkeypatch.setenv("http_proxy", proxy)
        with make_client() as uploader, pytest.raises(UploadError):
            uploader.post(make_body())
    assert seen[0]["Host"] == "intake.invalid"
    assert "Proxy-Authorization" not in seen[0]


def test_a_host_that_is_exempt_is_reached_without_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with echo_server() as (url, seen):
        with make_client(url) as uploader, pytest.raises(UploadError, match="HTTP 403"):
            uploader.post(make_body())
        assert len(seen) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_credentials_of_a_proxy_are_sent_to_it_and_never_shown(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(head: bytes) -> bytes:
        return b"HTTP/1.1 407 %s\r\nContent-Length: %d\r\n\r\n%s" % (
            head.replace(b"\r\n", b" "), len(head), head,
        )  # fmt: skip

    with echo_server(answer) as (proxy, seen):
        credentials = f"http://user:{PASSWORD}@"
        monkeypatch.setenv(f"{scheme}_proxy", proxy.replace("http://", credentials))
        uploader = make_client(f"{scheme}://intake.invalid/")
        with uploader, pytest.raises(UploadError, match="407") as caught:
            uploader.post(make_body())
    encoded = b64encode(b"user:pr0xy-p@ss").decode()
    assert seen[0]["Proxy-Authorization"] == f"Basic {encoded}"
    assert "pr0xy" not in str(caught.value)
    assert encoded not in str(caught.value)


@pytest.mark.parametrize(
    "proxy",
    [
        "https://127.0.0.1:1", "ftp://127.0.0.1:1", "socks5://127.0.0.1:1", "127.0.0.1:1",
        "http://", f"http://user:{PASSWORD}@[::1", f"http://user:{PASSWORD}@a..b:1",
        "http://127.0.0.1:99999",
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_cannot_be_used_is_a_configuration_error(
    proxy: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", proxy)
    with pytest.raises(ConfigError, match=f"{scheme}_proxy") as caught:
        make_client(f"{scheme}://intake.invalid/")
    assert "pr0xy" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_proxy_outlasts_the_deadline(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sends a byte at a time, for ever; the test ends because we do."""
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        with listener.accept()[0] as client:
            client.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not over.wait(0.02):
                client.send(b"a", socket.MSG_NOSIGNAL)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{listener.getsockname()[1]}")
        with make_client(f"{scheme}://intake.invalid/", timeout_s=0.3) as uploader:
            with pytest.raises(RequestFailed, match="deadline"):
                uploader.post(make_body())
            over.set()
            thread.join()
