"""A loopback intake: takes batches in, looks at them, and keeps a ledger of what it accepted.

Batches are posted to `COUNT_PATH` or `VERIFY_PATH`. `GET` and `DELETE /ledger/<upload id>` show and
drop what is known of an upload. A number in front of any of these paths (`/7/count/...`,
`/7/ledger/...`) is a folder of its own: the same upload can be sent twice without being taken for
a repetition. `PUT /faults` tells it how to misbehave from now on.

`python -m harness.intake.server --port 0` prints `{"url": ...}` when ready and exits when its
standard input ends, so that it never outlives the process that started it. Memory is bounded: a
body goes to an unlinked temporary file, and is read back a piece at a time, within a `Budget`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import ThreadingHTTPServer
from threading import BoundedSemaphore, Event, Thread
from typing import Any

from harness.config import IntakeOptions
from harness.intake.budget import BUDGET, Budget
from harness.intake.faults import Fault, FaultQueue, parse_fault
from harness.intake.handler import IntakeHandler
from harness.intake.ledger import Ledger

_LISTEN = IntakeOptions()
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class IntakeServer(ThreadingHTTPServer):
    """The server; one thread a connection, none of which keeps the process alive."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], budget: Budget = BUDGET) -> None:
        super().__init__(address, IntakeHandler)
        self.budget = budget
        self.readers = BoundedSemaphore(budget.readers)
        self._seats = BoundedSemaphore(budget.connections)
        self.ledger = Ledger(budget)
        self.faults = FaultQueue()
        self.stopping = Event()

    @property
    def url(self) -> str:
        """Return where the server listens."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection a thread, or say that there are too many."""
        if self._seats.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        with suppress(OSError):
            request.settimeout(0)  # it has just been opened: there is room for an answer
            request.sendall(_BUSY)
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one connection until it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._seats.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over clients that go away in the middle; report what went wrong here."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def serve(
    host: str = _LISTEN.host,
    port: int = _LISTEN.port,
    budget: Budget = BUDGET,
    faults: Iterable[Fault] = (),
) -> Iterator[IntakeServer]:
    """Run an intake in a thread of this process until the block is left.

    It misbehaves from its first request on, by `faults`.

    Raises:
        ConfigError: A fault is of no known kind.
    """
    with IntakeServer((host, port), budget) as server:
        server.faults.replace(list(faults))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m harness.intake.server")
    parser.add_argument("--host", default=_LISTEN.host)
    parser.add_argument("--port", type=int, default=_LISTEN.port)
    parser.add_argument("--misbehave", type=parse_fault, action="append", default=[])
    options = parser.parse_args()
    with serve(options.host, options.port, faults=options.misbehave) as server:
        sys.stdout.write(json.dumps({"url": server.url}) + "\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
