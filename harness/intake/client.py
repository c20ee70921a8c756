"""Post batches to the loopback intake with nothing but the standard library.

What a measured process loads is on its heap. Uploading over a real network takes retries, TLS and
proxies (`harness.upload`); to an intake on the same machine one request a batch is enough: it
answers or the run is invalid. What http.client needs for a request is imported with this module,
before any probe starts.
"""

from __future__ import annotations

import select
import socket
from http.client import HTTPConnection, HTTPException
from typing import Any, Self
from urllib.parse import urlsplit

from harness.config import KIB, UploadOptions
from harness.contracts import Body
from harness.errors import ConfigError, PayloadTooLarge, UploadError
from harness.intake.answer import SHOWN_CHARACTERS, TEXT_S, Answer, Deadline, is_accepted, read_text

STAGE = "HTTP"
_BLOCK_BYTES = 16 * KIB


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
            status, answer, whole = self._exchange(body)
        except TimeoutError:
            limit_s = self.options.timeout_s
            raise UploadError(f"POST {self.options.url}: no answer within {limit_s:g} s") from None
        except (HTTPException, OSError) as error:
            reason = str(error)[:SHOWN_CHARACTERS] or type(error).__name__
            raise UploadError(f"POST {self.options.url}: no answer: {reason}") from None
        if is_accepted(status) and whole:
            return
        early = "" if whole else ", before the whole request was sent"
        message = f"POST {self.options.url}: HTTP {status}{early}: {answer}"
        raise PayloadTooLarge(message) if status == 413 else UploadError(message)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exchange(self, body: Body) -> tuple[int, str, bool]:
        """Return the status, what can be shown of the text, and whether the whole body was sent."""
        connection = self._connection
        connection.start(self.options.timeout_s)
        headers = {"Content-Type": body.content_type, "Content-Length": str(len(body))}
        try:
            with body.open() as reader:
                whole = connection.post(self._path, reader, headers)
            with connection.getresponse() as response:
                connection.shorten(TEXT_S)
                text = read_text(response.read)
                ended = response.isclosed()
        except BaseException:
            connection.close()
            raise
        if not ended or response.status >= 300:  # whoever refuses is likely to hang up
            connection.close()
        return response.status, text[:SHOWN_CHARACTERS], whole

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Socket(socket.socket):
    """A socket whose waits all end at one deadline."""

    __slots__ = ("deadline",)
    deadline: Deadline

    def wait_no_longer(self) -> None:
        self.settimeout(self.deadline.left_s())

    def recv_into(self, *args: Any) -> int:
        """Receive what is there, waiting until the deadline."""
        self.wait_no_longer()
        return super().recv_into(*args)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send everything, waiting until the deadline."""
        self.wait_no_longer()
        super().sendall(data, flags)


class _Connection(HTTPConnection, Deadline):
    """One connection to the intake, opened anew where the last one was dropped.

    It is itself the deadline of its socket: an object less on the heap that is measured.
    """

    response_class = Answer
    sock: _Socket | None

    def start(self, timeout_s: float) -> None:
        """Begin a request that has to be over in `timeout_s`."""
        super().start(timeout_s)
        if self.sock is None:
            return
        # The intake hangs up on whoever is silent for long, as a slow extraction is.
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        if poll.poll(0):
            self.close()

    def post(self, path: str, reader: Any, headers: dict[str, str]) -> bool:
        """Send a request; tell whether all of it went. Who refuses it unread may have answered."""
        try:
            self.request("POST", path, reader, headers)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def connect(self) -> None:
        """Open the connection."""
        sock = _Socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.deadline = self
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.wait_no_longer()
            sock.connect((self.host, self.port))
        except BaseException:
            sock.close()
            raise
        self.sock = sock
