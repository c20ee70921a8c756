"""What the intake answers on one connection: deliveries, ledgers, orders to misbehave."""

from __future__ import annotations

import io
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from harness.config import KIB, MIB
from harness.errors import NO_ROOM, ConfigError
from harness.intake import COUNT_PATH, LEDGER_PREFIX, VERIFY_PATH
from harness.intake.answer import Deadline
from harness.intake.budget import cut
from harness.intake.faults import KINDS, Fault, Wire
from harness.intake.head import fault_of
from harness.intake.ledger import LedgerEntry, key_of
from harness.intake.receive import BatchRejected, enter, open_delivery
from harness.wire import WireError, decode

if TYPE_CHECKING:  # it is made with a handler
    from harness.intake.server import IntakeServer

FAULTS_PATH = "/faults"
_CHUNK_BYTES = 64 * KIB
_DRAINED_BYTES_MAX = MIB
_DRAIN_S = 1.0
_FOLDER = re.compile(r"/(\d{1,20})(?=/)")


class Refused(Exception):
    """A request is not taken in; the answer says why."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Reader(io.RawIOBase):
    """Reads a connection until a deadline, however often a byte comes.

    It has `heard` if anything has come of the current request, and is `late` if the deadline passed
    while more of it was awaited.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self.heard = self.late = False
        self._sock = sock
        self._deadline = deadline

    def start(self) -> None:
        """Begin to read a request."""
        self.heard = self.late = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            self._sock.settimeout(self._deadline.left_s())
            size = self._sock.recv_into(buffer)
        except TimeoutError:
            self.late = True
            raise
        self.heard |= size > 0
        return size


class IntakeHandler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: IntakeServer
    protocol_version = "HTTP/1.1"
    # Head and body of an answer leave in one packet; two would wait for the client's delayed ack.
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Read the connection under a deadline."""
        super().setup()
        self.rfile.close()
        self.deadline = Deadline()
        self._left_bytes = 0
        self._reader = _Reader(self.connection, self.deadline)
        self.rfile = io.BufferedReader(self._reader)

    def handle_one_request(self) -> None:
        """Answer one request; silence, and a head that does not end, have their time, too."""
        self.deadline.start(self.server.budget.request_s)
        self._reader.start()
        self._in_head = True
        super().handle_one_request()
        if self._in_head and self._reader.heard and self._reader.late:
            self.requestline, self.request_version = "", self.protocol_version
            self._refuse(TimeoutError())
            self.wfile.flush()

    def parse_request(self) -> bool:
        """Read the head; refuse one that leaves open where the body ends."""
        self._left_bytes = 0
        if not super().parse_request():
            return False
        self._in_head = False
        self.deadline.start(self.server.budget.request_s)
        lengths = self.headers.get_all("Content-Length", ())
        if fault := fault_of(self.headers):
            self.close_connection = True
            self._answer(HTTPStatus.BAD_REQUEST, {"error": fault})
            self.wfile.flush()
            return False
        if lengths and lengths[0].isascii() and lengths[0].isdigit():
            self._left_bytes = int(lengths[0][-20:])
        else:  # a body that cannot be skipped
            self.close_connection |= bool(lengths) or "Transfer-Encoding" in self.headers
        return True

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
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - the sender is to hear of it: stderr may be gone
            self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        """Answer what went wrong. Only after a refusal is the connection in a known state."""
        if isinstance(error, Refused):
            self._answer(error.status, {"error": cut(str(error))})
            return
        self.close_connection = True
        if isinstance(error, TimeoutError):
            limit_s = self.server.budget.request_s
            status, reason = HTTPStatus.REQUEST_TIMEOUT, f"not done within {limit_s:g} s"
        elif isinstance(error, OSError) and error.errno in NO_ROOM:
            status, reason = HTTPStatus.INSUFFICIENT_STORAGE, f"no room: {error.strerror}"
        else:
            self.server.handle_error(self.request, self.client_address)
            status, reason = HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}"
        self._answer(status, {"error": cut(reason)})

    def do_PUT(self) -> None:
        """Take orders to misbehave."""
        if self.path != FAULTS_PATH:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such path"})
            return
        try:
            orders = self._read(self._length(MIB))
            self.server.faults.replace(decode(orders, list[Fault]))
        except Refused as refusal:
            self._answer(refusal.status, {"error": str(refusal)})
        except (ConfigError, WireError) as error:
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
        return key_of(folder, unquote(upload_id))

    def _read(self, size: int) -> bytes:
        """Read so much of the body, unless it ends before."""
        data = self.rfile.read(min(size, self._left_bytes))
        self._left_bytes -= len(data)
        return data

    def _drain(self) -> None:
        """Read what nobody asked for, lest it be taken for a request; hang up if that is much."""
        self.deadline.shorten(_DRAIN_S)
        left = _DRAINED_BYTES_MAX
        with suppress(OSError):
            while left > 0 and (data := self._read(_CHUNK_BYTES)):
                left -= len(data)
        self.close_connection |= self._left_bytes > 0

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
        size = self._length(self.server.budget.body_bytes)
        with tempfile.TemporaryFile() as body:
            while data := self._read(_CHUNK_BYTES):
                body.write(data)
            if self._left_bytes:
                self.close_connection = True
                reason = f"{self._left_bytes} bytes of the body are missing"
                raise Refused(HTTPStatus.BAD_REQUEST, reason)
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
        server = self.server
        if not server.readers.acquire(timeout=self.deadline.left_s()):
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many deliveries at a time")
        try:
            kind = self.headers.get("Content-Type", "")
            delivery = open_delivery(body, size, kind, server.budget, self.deadline)
            key = key_of(folder, delivery.head.upload_id)
            upload = server.ledger.open(key)
            entry = enter(upload, delivery, verify=verify)
            server.ledger.keep(key, upload)
        except BatchRejected as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from None
        finally:
            server.readers.release()
        return entry

    def _misbehave(self, fault: Fault) -> None:
        self.close_connection = True
        KINDS[fault.kind].answer(Wire(self.connection, self.server.stopping), fault)

    def _answer(self, status: HTTPStatus, value: object) -> None:
        self._drain()
        body = msgspec.json.encode(value)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
