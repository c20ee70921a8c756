"""A loopback intake: takes batches in, looks at them, and keeps a ledger of what it accepted.

`POST /count/symdb/v1/input` checks the framing and leaves the scopes alone: cheap, for measured
runs. `POST /verify/symdb/v1/input` reads every scope, checks it against the schema, and keeps a
digest. `GET` and `DELETE /ledger/<upload id>` show and drop what is known of an upload.

`python -m harness.upload.intake --port 0` prints `{"url": ...}` when ready and exits when its
standard input ends, so that it never outlives the process that started it. Memory is bounded: a
body goes to an unlinked temporary file, and is read back a piece at a time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import IO

import msgspec

from harness.config import GIB, KIB
from harness.upload.ledger import Ledger
from harness.upload.receive import BatchRejected, enter, open_delivery

INPUT_PATHS = {"/count/symdb/v1/input": False, "/verify/symdb/v1/input": True}
LEDGER_PREFIX = "/ledger/"
BODY_BYTES_MAX = GIB
_CHUNK_BYTES = 64 * KIB


class IntakeServer(ThreadingHTTPServer):
    """The server; one thread a connection, none of which keeps the process alive."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, IntakeHandler)
        self.ledger = Ledger()

    @property
    def url(self) -> str:
        """Return where the server listens."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


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
        verify = INPUT_PATHS.get(self.path)
        if verify is None:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such path"})
            return
        with tempfile.TemporaryFile() as body:
            size = self._receive(body)
            if size is None:
                return
            self._judge(body, size, verify=verify)

    def do_GET(self) -> None:
        """Show what is known of an upload."""
        view = self.server.ledger.view(self._upload_id())
        if view is None:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such upload"})
        else:
            self._answer(HTTPStatus.OK, view)

    def do_DELETE(self) -> None:
        """Forget an upload."""
        found = self.server.ledger.forget(self._upload_id())
        self._answer(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND, {"forgotten": found})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
        """Say nothing: the ledger tells more than a log line."""

    def _upload_id(self) -> str:
        return self.path.removeprefix(LEDGER_PREFIX) if self.path.startswith(LEDGER_PREFIX) else ""

    def _receive(self, body: IO[bytes]) -> int | None:
        """Spool the body into a file; None if it did not come, and then the answer is given."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self.close_connection = True
            self._answer(HTTPStatus.LENGTH_REQUIRED, {"error": "no Content-Length"})
            return None
        size = left = int(length)
        if size > BODY_BYTES_MAX:
            self.close_connection = True
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": "too large"})
            return None
        while left and (data := self.rfile.read(min(left, _CHUNK_BYTES))):
            body.write(data)
            left -= len(data)
        if left:
            self.close_connection = True
            return None
        body.flush()
        return size

    def _judge(self, body: IO[bytes], size: int, *, verify: bool) -> None:
        try:
            delivery = open_delivery(body, size, self.headers.get("Content-Type", ""))
            entry = enter(self.server.ledger, delivery, verify=verify)
        except BatchRejected as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        else:
            self._answer(HTTPStatus.ACCEPTED, entry)

    def _answer(self, status: HTTPStatus, value: object) -> None:
        body = msgspec.json.encode(value)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m harness.upload.intake")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(arguments)
    with IntakeServer((options.host, options.port)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(json.dumps({"url": server.url}) + "\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()
        server.shutdown()


if __name__ == "__main__":
    main()
