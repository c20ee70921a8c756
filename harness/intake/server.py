"""A loopback intake: takes batches in, looks at them, and keeps a ledger of what it accepted.

Batches are posted to `COUNT_PATH` or `VERIFY_PATH`. `GET` and `DELETE /ledger/<upload id>` show and
drop what is known of an upload. A number in front of any of these paths (`/7/count/...`,
`/7/ledger/...`) is a folder of its own: the same upload can be sent twice without being taken for
a repetition. `PUT /faults` tells it how to misbehave from now on.

`python -m harness.intake.server --port 0` prints `{"url": ...}` when ready and exits when its
standard input ends, so that it never outlives the process that started it. Memory is bounded: a
body goes to an unlinked temporary file, and is read back a piece at a time.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import IO

import msgspec

from harness.config import GIB, KIB, MIB
from harness.errors import ConfigError
from harness.intake import COUNT_PATH, VERIFY_PATH
from harness.intake.faults import KINDS, Fault, FaultQueue, Wire, parse_fault
from harness.intake.ledger import Ledger, LedgerEntry, key_of
from harness.intake.receive import BatchRejected, enter, open_delivery

LEDGER_PREFIX = "/ledger/"
FAULTS_PATH = "/faults"
BODY_BYTES_MAX = GIB
_CHUNK_BYTES = 64 * KIB
_FOLDER = re.compile(r"/(\d{1,20})(?=/)")


class Refused(Exception):
    """A request is not taken in; the answer says why."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class IntakeServer(ThreadingHTTPServer):
    """The server; one thread a connection, none of which keeps the process alive."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, IntakeHandler)
        self.ledger = Ledger()
        self.faults = FaultQueue()
        self.stopping = Event()

    @property
    def url(self) -> str:
        """Return where the server listens."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over clients that go away in the middle; report what went wrong here."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class IntakeHandler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: IntakeServer
    protocol_version = "HTTP/1.1"
    # Head and body of an answer leave in one packet; two would wait for the client's delayed ack.
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 120

    def do_POST(self) -> None:
        """Take a batch in."""
        folder, path = self._split_path()
        if path not in (COUNT_PATH, VERIFY_PATH):
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such path"})
            return
        fault = self.server.faults.take()
        if fault is not None and not KINDS[fault.kind].reads_body:
            self._misbehave(fault)
            return
        try:
            with self._body() as (body, size):
                self._deliver(fault, body, size, (folder, path == VERIFY_PATH))
        except Refused as refusal:
            self._answer(refusal.status, {"error": str(refusal)})
        except (ConnectionError, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - the sender is to hear of it: stderr may be gone
            self.server.handle_error(self.request, self.client_address)
            self.close_connection = True
            reason = f"{type(error).__name__}: {error}"
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": reason})

    def do_PUT(self) -> None:
        """Take orders to misbehave."""
        if self.path != FAULTS_PATH:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such path"})
            return
        try:
            orders = self.rfile.read(self._length(MIB))
            self.server.faults.replace(msgspec.json.decode(orders, type=list[Fault]))
        except Refused as refusal:
            self._answer(refusal.status, {"error": str(refusal)})
        except (ConfigError, msgspec.DecodeError) as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        else:
            self._answer(HTTPStatus.OK, {})

    def do_GET(self) -> None:
        """Show what is known of an upload."""
        view = self.server.ledger.view(self._upload_key())
        if view is None:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such upload"})
        else:
            self._answer(HTTPStatus.OK, view)

    def do_DELETE(self) -> None:
        """Forget an upload."""
        found = self.server.ledger.forget(self._upload_key())
        self._answer(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND, {"forgotten": found})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
        """Say nothing: the ledger tells more than a log line."""

    def _split_path(self) -> tuple[str, str]:
        """Return the folder, empty for none, and the path in it."""
        found = _FOLDER.match(self.path)
        return ("", self.path) if found is None else (found[1], self.path[found.end() :])

    def _upload_key(self) -> str:
        folder, path = self._split_path()
        upload_id = path.removeprefix(LEDGER_PREFIX) if path.startswith(LEDGER_PREFIX) else ""
        return key_of(folder, upload_id)

    def _length(self, limit_bytes: int) -> int:
        """Return the length of the body. What cannot be read cannot be skipped: then hang up."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self.close_connection = True
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "no Content-Length")
        digits = length.lstrip("0") or "0"
        if len(digits) > len(str(limit_bytes)) or int(digits) > limit_bytes:
            self.close_connection = True
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {limit_bytes} bytes")
        return int(digits)

    @contextmanager
    def _body(self) -> Iterator[tuple[IO[bytes], int]]:
        """Spool the request body into a file without a name."""
        left = size = self._length(BODY_BYTES_MAX)
        with tempfile.TemporaryFile() as body:
            while left and (data := self.rfile.read(min(left, _CHUNK_BYTES))):
                body.write(data)
                left -= len(data)
            if left:
                self.close_connection = True
                raise Refused(HTTPStatus.BAD_REQUEST, f"{left} bytes of the body are missing")
            body.flush()
            yield body, size

    def _deliver(
        self, fault: Fault | None, body: IO[bytes], size: int, how: tuple[str, bool]
    ) -> None:
        if fault is not None and fault.kind == "too-large" and size <= fault.value:
            fault = None
        if fault is not None and not KINDS[fault.kind].enters_ledger:
            self._misbehave(fault)
            return
        entry = self._enter(body, size, *how)
        if fault is not None:
            self._misbehave(fault)
        else:
            self._answer(HTTPStatus.ACCEPTED, entry)

    def _enter(self, body: IO[bytes], size: int, folder: str, verify: bool) -> LedgerEntry:
        try:
            delivery = open_delivery(body, size, self.headers.get("Content-Type", ""))
            upload = self.server.ledger.open(key_of(folder, delivery.head.upload_id))
            return enter(upload, delivery, verify=verify)
        except BatchRejected as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from None

    def _misbehave(self, fault: Fault) -> None:
        self.close_connection = True
        KINDS[fault.kind].answer(Wire(self.connection, self.server.stopping), fault)

    def _answer(self, status: HTTPStatus, value: object) -> None:
        body = msgspec.json.encode(value)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serve(host: str = "127.0.0.1", port: int = 0) -> Iterator[IntakeServer]:
    """Run an intake in a thread of this process until the block is left."""
    with IntakeServer((host, port)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m harness.intake.server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--misbehave", type=parse_fault, action="append", default=[])
    options = parser.parse_args(arguments)
    with serve(options.host, options.port) as server:
        server.faults.replace(options.misbehave)
        sys.stdout.write(json.dumps({"url": server.url}) + "\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
