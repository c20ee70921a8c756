"""Post batches to the loopback intake with nothing but the standard library.

What a measured process loads is on its heap. Uploading over a real network takes retries, TLS and
proxies (`harness.upload`); to an intake on the same machine one request a batch is enough: it
answers or the run is invalid. What http.client needs for a request is imported with this module,
before any probe starts.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import Any, Self
from urllib.parse import urlsplit

from harness.config import KIB, UploadOptions
from harness.contracts import Body
from harness.errors import ConfigError, PayloadTooLarge, UploadError

STAGE = "HTTP"
_BLOCK_BYTES = 16 * KIB
_ANSWER_BYTES_MAX = 64 * KIB
_SHOWN_CHARACTERS = 200


class IntakeClient:
    """Posts batches over one kept connection; close it to give the connection back.

    A body is read and sent 16 KiB at a time. A request is over within the timeout of `options`,
    whatever the intake does.

    Raises:
        ConfigError: The URL is not a plain HTTP one.
    """

    def __init__(self, options: UploadOptions) -> None:
        url = urlsplit(options.url)
        if url.scheme != "http" or not url.hostname or not url.port:
            raise ConfigError(
                f"{options.url!a} is not the URL of an intake",
                remedy="write it like http://127.0.0.1:8080/path",
            )
        self.options = options
        self._path = url.path or "/"
        self._connection = _Connection(url.hostname, url.port, blocksize=_BLOCK_BYTES)

    def post(self, body: Body) -> None:
        """Deliver `body`.

        Raises:
            PayloadTooLarge: The intake refuses its size.
            UploadError: It was not accepted.
        """
        try:
            status, answer = self._exchange(body)
        except TimeoutError:
            limit_s = self.options.timeout_s
            raise UploadError(f"POST {self.options.url}: no answer within {limit_s:g} s") from None
        except (HTTPException, OSError) as error:
            reason = str(error) or type(error).__name__
            raise UploadError(f"POST {self.options.url}: no answer: {reason}") from None
        if 200 <= status <= 299:
            return
        message = f"POST {self.options.url}: HTTP {status}: {answer}"
        raise PayloadTooLarge(message) if status == 413 else UploadError(message)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exchange(self, body: Body) -> tuple[int, str]:
        """Return the status, and what can be shown of the text behind it."""
        self._connection.start(self.options.timeout_s)
        headers = {"Content-Type": body.content_type, "Content-Length": str(len(body))}
        try:
            with body.open() as reader:
                self._connection.post(self._path, reader, headers)
            with self._connection.getresponse() as response:
                text = response.read(_ANSWER_BYTES_MAX).decode("utf-8", "replace")
                whole = response.isclosed()
        except BaseException:
            self._connection.close()
            raise
        if not whole or response.status >= 300:  # whoever refuses is likely to hang up
            self._connection.close()
        return response.status, "".join(filter(str.isprintable, text))[:_SHOWN_CHARACTERS]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Socket(socket.socket):
    """A socket whose waits all end at one deadline, however often a byte comes."""

    deadline_s = 0.0

    def wait_no_longer(self) -> None:
        left_s = self.deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self.settimeout(left_s)

    def recv_into(self, *args: Any) -> int:
        """Receive what is there, waiting until the deadline."""
        self.wait_no_longer()
        return super().recv_into(*args)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send everything, waiting until the deadline."""
        self.wait_no_longer()
        super().sendall(data, flags)


class _Connection(HTTPConnection):
    """One connection to the intake, opened anew where the last one was dropped."""

    sock: _Socket | None
    _deadline_s = 0.0

    def start(self, timeout_s: float) -> None:
        """Begin a request that has to be over in `timeout_s`."""
        self._deadline_s = time.monotonic() + timeout_s
        if self.sock is None:
            return
        # The intake hangs up on whoever is silent for long, as a slow extraction is.
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        if poll.poll(0):
            self.close()
        else:
            self.sock.deadline_s = self._deadline_s

    def post(self, path: str, reader: Any, headers: dict[str, str]) -> None:
        """Send a request; who refuses it unread may have answered all the same."""
        with suppress(BrokenPipeError):
            self.request("POST", path, reader, headers)

    def connect(self) -> None:
        """Open the connection."""
        sock = _Socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.deadline_s = self._deadline_s
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.wait_no_longer()
            sock.connect((self.host, self.port))
        except BaseException:
            sock.close()
            raise
        self.sock = sock
