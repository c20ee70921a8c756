"""A receiver that holds every request against the specification, by none of our own readers.

Framing is compared byte for byte, JSON is read by the standard library with duplicates refused.
What it finds wrong is a problem, what it takes in is a batch; both are for a test to look at.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import zlib
from typing import Any, NamedTuple

from harness.records import Batch, Counters
from harness.tests.upload.peers import EMPTY, Peer, give, ok, read_request, take

_FILE = (
    b'\r\nContent-Disposition: form-data; name="file"; filename="file.gz"\r\n'
    b"Content-Type: application/gzip\r\n\r\n"
)
_EVENT = (
    b'\r\nContent-Disposition: form-data; name="event"; filename="event.json"\r\n'
    b"Content-Type: application/json\r\n\r\n"
)
_TYPE = re.compile(r"multipart/form-data; boundary=([0-9a-f]{32})")
_ENVELOPE = {"service", "version", "language", "upload_id", "batch_num", "scopes", "final"}
_OLD_EVENT = {"ddsource", "service", "runtimeId", "debugger"}
_NEW_EVENT = {"ddsource", "service", "version", "language", "runtimeId", "type", "uploadId",
              "batchNum", "final", "attachmentSize"}  # fmt: skip


class Taken(NamedTuple):
    """One batch that was taken in: the whole body's size, and each scope with its package."""

    document: bytes
    body_bytes: int
    final: bool
    scopes: list[tuple[str, str]]
    functions: int


class Receiver:
    """Behaves well, but for the request `at` to which it shows `peer`.

    Attributes:
        taken: The batches, in order; with `commits`, also that of the request answered by `peer`.
        duplicates: How many came again, as they were.
        problems: Whatever the specification does not allow.
    """

    def __init__(self, peer: Peer, *, commits: bool, at: int) -> None:
        self.taken: list[Taken] = []
        self.duplicates = 0
        self.problems: list[str] = []
        self._peer, self._commits, self._at = peer, commits, at
        self._requests = 0
        self._lock = threading.Lock()

    def answer(self, sock: socket.socket, stopping: threading.Event) -> None:
        """Answer a connection until it ends."""
        while sock.recv(1, socket.MSG_PEEK):
            with self._lock:
                self._requests += 1
                shown = self._requests == self._at
            if shown and self._peer.reads is not None:
                take(sock, self._peer.reads)
            else:
                head, body = read_request(sock)
                if head and (not shown or self._commits):
                    self._take(head, body)
            if shown:
                give(sock, self._peer, stopping)
                return
            sock.sendall(ok(EMPTY))

    def claim_problem(self, claim: Counters | None, observed: list[Batch]) -> str:
        """Return how a claim differs from what was taken in; of a failure, from its beginning."""
        sizes = [one.body_bytes for one in self.taken]
        said = [batch.payload_bytes for batch in observed]
        if said != sizes[: len(said)] or len(sizes) > len(said) + (claim is None):
            return f"batches of {said} bytes were claimed, of {sizes} taken in"
        if claim is None:
            return ""
        scopes = [scope for one in self.taken for scope in one.scopes]
        functions = sum(one.functions for one in self.taken)
        found = (len(self.taken), sum(sizes), len(scopes), functions)
        claimed = (claim.batches, claim.payload_bytes, claim.scopes, claim.functions)
        return "" if claimed == found else f"{claimed} claimed, {found} taken in"

    def _take(self, head: bytes, body: bytes) -> None:
        with self._lock:
            try:
                number, batch = _read(head, body)
                if number <= len(self.taken):
                    self.duplicates += 1
                    assert batch == self.taken[number - 1], f"batch {number} is another one"
                    return
                assert number == len(self.taken) + 1, f"batch {number} after {len(self.taken)}"
                assert not any(one.final for one in self.taken), "a batch follows the final one"
                self.taken.append(batch)
            except (AssertionError, ValueError, zlib.error) as error:
                self.problems.append(f"{type(error).__name__}: {error}")


def _read(head: bytes, body: bytes) -> tuple[int, Taken]:
    first, *lines = head.decode("ascii").split("\r\n")
    assert first == "POST /x HTTP/1.1", first
    headers = [(name.lower(), text) for name, text in (line.split(": ", 1) for line in lines)]
    assert len(dict(headers)) == len(headers), "a header is given twice"
    told = dict(headers)
    assert "transfer-encoding" not in told, "sent in chunks"
    assert told["content-length"] == str(len(body)), "another length"
    boundary = _TYPE.fullmatch(told["content-type"])
    assert boundary, told["content-type"]
    nothing, file, event, end = body.split(b"--" + boundary[1].encode())
    assert (nothing, end) == (b"", b"--\r\n"), "bytes beside the parts"
    packed, told_of = _content(file, _FILE), _content(event, _EVENT)
    inflater = zlib.decompressobj(31)
    document = inflater.decompress(packed)
    assert (inflater.eof, inflater.unused_data) == (True, b""), "not one gzip member"
    envelope, about = strict(document), strict(told_of)
    _compare(envelope, about, len(packed))
    scopes = [
        (package["name"], json.dumps(child, sort_keys=True))
        for package in envelope["scopes"]
        for child in package.get("scopes", [])
    ]
    functions = sum(_functions(package) for package in envelope["scopes"])
    final = envelope["final"] is True
    return envelope["batch_num"], Taken(document, len(body), final, scopes, functions)


def _content(part: bytes, header: bytes) -> bytes:
    assert part.startswith(header), part[:200]
    assert part.endswith(b"\r\n"), "no line end before the boundary"
    return part[len(header) : -2]


def strict(document: bytes) -> Any:
    """Read JSON as the standard library does, but no key twice and nothing that is no JSON."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), "a key twice"
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(document.decode(), object_pairs_hook=once, parse_constant=refuse)


def _compare(envelope: dict[str, Any], event: dict[str, Any], packed_bytes: int) -> None:
    assert envelope.keys() == _ENVELOPE, envelope.keys()
    assert isinstance(envelope["final"], bool), "final is no truth value"
    assert event["ddsource"] == "dd_debugger", event
    assert event["service"] == envelope["service"], event
    assert all(package["scope_type"] == "package" for package in envelope["scopes"])
    if event.keys() == _OLD_EVENT:
        assert event["debugger"] == {"type": "symdb"}, event
        return
    assert event.keys() == _NEW_EVENT, event.keys()
    said = [event[key] for key in ("version", "language", "uploadId", "batchNum", "final")]
    meant = [envelope[key] for key in ("version", "language", "upload_id", "batch_num", "final")]
    assert (said, event["type"]) == (meant, "symdb"), event
    assert event["attachmentSize"] == packed_bytes, event


def _functions(scope: dict[str, Any]) -> int:
    own = scope["scope_type"] in {"function", "method"}
    return own + sum(map(_functions, scope.get("scopes", [])))
