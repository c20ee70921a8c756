"""What may stop a request from outside: a total deadline, a cap on what comes back, cancellation.

A socket timeout starts anew with every byte received, so that a server sending one byte a second,
or `100 Continue` for ever, is never too slow. The sockets here ask a `Guard` before every wait and
wait in short slices: the deadline is the request's, not the byte's, and a cancellation is seen
within a slice. Only looking names up needs a thread (`harness.upload.connection`).
"""

from __future__ import annotations

import fcntl
import socket
import ssl
import sys
import termios
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, TypeVar

from harness.errors import Cancelled
from harness.intake.answer import ANSWER_BYTES_MAX, Deadline

_SLICE_S = 0.25
_Result = TypeVar("_Result")


class Cancellation:
    """A wish to stop, set by one thread or a signal handler and seen by the uploading one.

    It is a plain flag. A handler runs between two steps of the thread that it interrupts, and an
    Event has a lock: set while the same thread is about to wait for it, both would wait for ever.
    """

    def __init__(self) -> None:
        self._cancelled = False

    def cancel(self) -> None:
        """Ask the upload to stop: before the next request, or within the current one."""
        self._cancelled = True

    def check(self) -> None:
        """Raise Cancelled if somebody asked to stop."""
        if self._cancelled:
            raise Cancelled("the upload was cancelled")

    def sleep(self, seconds: float) -> None:
        """Sleep, but hardly longer than until a cancellation."""
        end = time.monotonic() + seconds
        while (left_s := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left_s, _SLICE_S))
        self.check()


class ResponseTooLarge(HTTPException):
    """The server answered with more than anybody wants to hold."""


class Guard(Deadline):
    """The limits of one request: until when, how much may come back, and whether to go on.

    Attributes:
        sent: Whether anything of the request has left. Without that nobody can have accepted it.
        cut_short: Whether the rest of the request could not be sent, or the connection was reset.
        unacknowledged_bytes: What had been sent and had not reached the other machine when the last
            of the answer came.
    """

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self._received_bytes_max = self._received_bytes = 0
        self.sent = self.cut_short = False
        self.unacknowledged_bytes = 0

    def start(self, timeout_s: float, received_bytes_max: int = ANSWER_BYTES_MAX) -> None:
        """Begin a request that has to be over in `timeout_s`, with no longer an answer."""
        super().start(timeout_s)
        self._received_bytes_max, self._received_bytes = received_bytes_max, 0
        self.sent = self.cut_short = False
        self.unacknowledged_bytes = 0
        self._cancellation.check()

    def slice_s(self) -> float:
        """Return how long the next wait may take.

        Raises:
            TimeoutError: The deadline has passed.
            Cancelled: Somebody asked to stop.
        """
        self._cancellation.check()
        return min(self.left_s(), _SLICE_S)

    def count(self, received_bytes: int) -> None:
        """Note what came back, headers included."""
        self._received_bytes += received_bytes
        if self._received_bytes > self._received_bytes_max:
            raise ResponseTooLarge(f"the response exceeds {self._received_bytes_max} bytes")

    def attempt(self, sock: socket.socket, action: Callable[[], _Result]) -> _Result:
        """Repeat an action of `sock` that times out, until it is done or the guard says stop."""
        while True:
            sock.settimeout(self.slice_s())
            try:
                return action()
            except TimeoutError:
                continue


class GuardedSocket(socket.socket):
    """A socket that asks its guard before every wait.

    What is sent may be no request, but how to get at its receiver: `carries_request` tells.
    """

    guard: Guard
    carries_request = True

    def recv_into(self, *args: Any) -> int:
        """Receive what is there, waiting no longer than the guard allows."""
        try:
            received = self.guard.attempt(self, lambda: super(GuardedSocket, self).recv_into(*args))
        except ConnectionResetError:
            self.guard.cut_short = True
            raise
        self.guard.count(received)
        if received:  # at the end of a TLS connection, its own last words are on their way
            self.guard.unacknowledged_bytes = self._count_unacknowledged()
        return received

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send everything, waiting no longer than the guard allows."""
        with memoryview(data) as view, view.cast("B") as rest:
            sent = 0

            def send() -> int:
                return self.send(rest[sent:], flags)

            try:
                while sent < len(rest):
                    sent += self.guard.attempt(self, send)
                    self.guard.sent |= self.carries_request
            except OSError:
                self.guard.cut_short = True  # urllib3 passes over it, in case there is an answer
                raise

    def _count_unacknowledged(self) -> int:
        """Return how much of what was sent has not reached the other machine yet.

        Whoever has read a request has acknowledged it, at the latest with the first of the answer.
        """
        counted = fcntl.ioctl(self, termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(counted, sys.byteorder)


class GuardedTLSSocket(GuardedSocket, ssl.SSLSocket):
    """A TLS socket that asks its context's guard before every wait."""

    context: GuardedContext

    @property
    def guard(self) -> Guard:  # type: ignore[override]
        """The guard of the context: sockets are made where none can be handed over."""
        return self.context.guard

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands, waiting no longer than the guard allows."""
        try:
            self.guard.attempt(self, lambda: super(GuardedTLSSocket, self).do_handshake(block))
        except BaseException:
            # Nobody else has this socket yet, and ssl closes it for errors of its own kind only.
            self.close()
            raise


class GuardedContext(ssl.SSLContext):
    """A TLS context whose sockets obey `guard`."""

    guard: Guard
    sslsocket_class = GuardedTLSSocket
