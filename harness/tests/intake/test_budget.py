"""However its senders behave, an intake answers, and holds no more than its budget allows."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest
from msgspec import structs

from harness.config import KIB, MIB
from harness.intake.budget import BUDGET, Budget
from harness.intake.server import IntakeServer, serve
from harness.tests.intake.bodies import UPLOAD_ID, ledger_of, make_body, make_raw
from harness.tests.intake.deliveries import (
    PACKAGE,
    WHOLE,
    changed,
    connect,
    data_of,
    deliver,
    request,
)

HEAD = b'"service":"harness","version":"0","language":"go","upload_id":"upload-1","batch_num":1'
END = b',"final":true}'


def envelope(scopes: bytes, head: bytes = HEAD) -> bytes:
    return b"{" + head + b',"scopes":[' + scopes + b"]" + END


def lines(budget: Budget) -> bytes:
    """Return a body with the largest scope that is allowed, of the smallest values."""
    piece = b'{"start":0,"end":0},'
    pieces = piece * ((budget.scope_bytes - KIB) // len(piece))
    listed = b',"injectible_lines":[%s{"start":0,"end":0}]' % pieces
    return make_raw(envelope(changed(b"", listed)))


EVENT = b'{"ddsource":"dd_debugger","service":"harness","runtimeId":"","debugger":{"type":"symdb"}}'


def hostile(budget: Budget) -> dict[str, bytes]:
    """Return bodies that make something larger than a scope may be."""
    size = budget.scope_bytes * 5 // 4

    def many(piece: bytes, size: int = size) -> bytes:
        return piece * (size // len(piece))

    return {
        "unknown key": make_raw(b'{"x":[' + many(b"{},") + b"{}]}"),
        "unknown key of a package": make_raw(
            envelope(b'{"scope_type":"package","x":[' + many(b"{},") + b"{}]}")
        ),
        "unknown key of a scope": make_raw(envelope(changed(b"", b',"x":[%s{}]' % many(b"{},")))),
        "sixteen long keys": make_raw(b"{" + b'"' + many(b"k") + b'":0' + END),
        "many keys": make_raw(envelope(b"{%s}" % b",".join(b'"k%d":0' % n for n in range(10**5)))),
        "long value": make_raw(envelope(b"", HEAD.replace(b"harness", many(b"s")))),
        "long upload id": make_raw(envelope(b"", HEAD.replace(b"upload-1", many(b"u", size // 4)))),
        "list for a value": make_raw(envelope(b"", HEAD.replace(b'"go"', b"[%s0]" % many(b"0,")))),
        "spaces in the event": make_raw(envelope(PACKAGE), event=EVENT + many(b" ", 5 * size)),
        "nested brackets": make_raw(envelope(changed(b"", b',"symbols":' + many(b"[")))),
        "nested braces": make_raw(envelope(changed(b"", b',"symbols":' + many(b'{"a":')))),
        "nested in front of the scopes": make_raw(b'{"service":' + many(b"[")),
        "empty lists": make_raw(envelope(changed(b"", b',"symbols":[%s[]]' % many(b"[],")))),
        "long package name": make_raw(envelope(PACKAGE.replace(b'"p"', b'"%s"' % many(b"p")))),
        "long scope type": make_raw(
            envelope(changed(b"function", many(b"f", budget.scope_bytes - KIB)))
        ),
        "many parts": b"".join(
            b'--XX\r\nContent-Disposition: form-data; name="%d"\r\n\r\n\r\n' % n
            for n in range(10**5)
        )
        + b"--XX--\r\n",
        "no boundary": b"--XX\r\n" + many(b" ", 5 * size),
    }


class Watched(NamedTuple):
    """An intake in a process of its own."""

    url: tuple[str, int]
    pid: int

    def peak_mib(self) -> float:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / KIB

    def post(self, body: bytes) -> tuple[int, bytes]:
        connection = HTTPConnection(*self.url)
        headers = {"Content-Type": "multipart/form-data; boundary=XX"}
        connection.request("POST", "/verify/symdb/v1/input", body, headers)
        response = connection.getresponse()
        answer = response.status, response.read()
        connection.close()
        return answer


SERVER = """
import sys
from msgspec import json
from harness.intake.budget import Budget
from harness.intake.server import serve
with serve(budget=json.decode(sys.argv[1], type=Budget)) as server:
    print(json.encode({"url": server.url}).decode(), flush=True)
    sys.stdin.read()
"""


@contextmanager
def watched(budget: Budget) -> Iterator[Watched]:
    command = [sys.executable, "-c", SERVER, json.dumps(structs.asdict(budget))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        host, port = json.loads(process.stdout.readline())["url"].removeprefix("http://").split(":")
        yield Watched((host, int(port)), process.pid)
        process.stdin.close()


SMALL = structs.replace(BUDGET, scope_bytes=2 * MIB)
either = pytest.mark.parametrize(
    "budget", [SMALL, pytest.param(BUDGET, marks=pytest.mark.slow)], ids=["small", "default"]
)


def bound_mib(budget: Budget, scopes: int) -> int:
    """Return what an intake may hold at most.

    The interpreter takes 25 MiB, and allocators keep up to three scopes' worth of what they got
    back. A reader holds a scope, as it arrived twice over, as one piece, and decoded: five at most.
    """
    return 45 + (3 + 5 * scopes) * budget.scope_bytes // MIB


@either
def test_the_budget_bounds_what_an_intake_holds(budget: Budget) -> None:
    """The proof is the process's own high-water mark, after everything that ever raised it."""
    with watched(budget) as intake:
        for name, body in hostile(budget).items():
            status, answer = intake.post(body)
            assert (name, status) == (name, 400)
            assert len(answer) < 2 * BUDGET.error_chars, name
        for number in range(BUDGET.refused_uploads + 20):
            intake.post(make_raw(envelope(b"", HEAD.replace(b'batch_num":1', b'batch_num":9'))))
            body = make_raw(envelope(b"{}", HEAD.replace(b"upload-1", b"%01024d" % number)))
            assert intake.post(body)[0] == 400
        status, answer = intake.post(lines(budget))
        assert (status, answer[:1]) == (202, b"{")
        assert intake.peak_mib() < bound_mib(budget, 1)


@pytest.mark.slow
def test_readers_are_as_many_as_the_budget_says() -> None:
    """Twelve large scopes at a time take no more than two."""
    body = lines(BUDGET)
    with watched(BUDGET) as intake:
        threads = [Thread(target=intake.post, args=(body,)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert intake.peak_mib() < bound_mib(BUDGET, BUDGET.readers)


def test_a_delivery_that_no_reader_comes_to_is_told_so() -> None:
    with serve(budget=structs.replace(BUDGET, readers=1, request_s=0.2)) as intake:
        with intake.readers:
            assert deliver(intake, WHOLE)[0] == 503
        assert deliver(intake, WHOLE)[0] == 202


def test_what_is_refused_does_not_evict_an_upload(intake: IntakeServer) -> None:
    assert deliver(intake, data_of(make_body()))[0] == 202
    for number in range(BUDGET.refused_uploads + 50):
        bad = make_raw(envelope(b"{}", HEAD.replace(b"upload-1", b"bad-%d" % number)))
        assert deliver(intake, bad)[0] == 400
    assert ledger_of(intake).accepted == 1
    assert intake.ledger.view("bad-0") is None
    assert intake.ledger.view(f"bad-{BUDGET.refused_uploads + 49}") is not None


def test_errors_and_entries_are_listed_up_to_a_limit_and_all_counted() -> None:
    with serve(budget=structs.replace(BUDGET, upload_entries=2, errors=2)) as intake:
        for number in (1, 2, 3, 3, 9, 9, 9):
            deliver(intake, data_of(make_body(number)))
        view = ledger_of(intake)
    assert (len(view.batches), view.accepted, view.duplicates) == (2, 3, 1)
    assert (len(view.errors), view.refused) == (2, 3)
    assert view.payload_bytes == 3 * len(data_of(make_body()))


@pytest.mark.parametrize(("uploads", "entries"), [(3, 100), (100, 3)])
def test_the_oldest_uploads_make_room(uploads: int, entries: int) -> None:
    with serve(budget=structs.replace(BUDGET, uploads=uploads, entries=entries)) as intake:
        for number in range(5):
            head = HEAD.replace(b"upload-1", b"u%d" % number)
            assert deliver(intake, make_raw(envelope(PACKAGE, head)))[0] == 202
        kept = [number for number in range(5) if intake.ledger.view(f"u{number}")]
    assert kept == [2, 3, 4]


@pytest.mark.parametrize("mode", ["count", "verify"])
@pytest.mark.parametrize(
    "document",
    [
        b'{"scopes":[%s],%s%s' % (PACKAGE, HEAD, END),
        b'{"final":true,"scopes":[%s],%s}' % (PACKAGE, HEAD),
        b'{"batch_num":1,"scopes":[%s],%s%s' % (PACKAGE, HEAD.rpartition(b",")[0], END),
        b" {\n" + HEAD + b',"scopes" : [ %s ] , "final":true } ' % PACKAGE,
    ],
)
def test_keys_may_come_in_any_order(intake: IntakeServer, mode: str, document: bytes) -> None:
    assert deliver(intake, make_raw(document), mode) == (202, "")
    assert ledger_of(intake).final


def test_an_event_that_is_not_utf_8_is_refused_with_an_answer(intake: IntakeServer) -> None:
    for text in (b"\xff", b"\xed\xa0\x80", b"\\ud800"):
        event = EVENT.replace(b"harness", text)
        status, error = deliver(intake, make_raw(envelope(PACKAGE), event=event))
        assert (status, "event" in error) == (400, True)


def talk(intake: IntakeServer, data: bytes) -> bytes:
    """Send bytes over one connection and return everything that is answered."""
    with connect(intake) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/elsewhere"),
        ("PUT", "/count/symdb/v1/input"),
        ("GET", "/ledger/x"),
        ("DELETE", "/ledger/x"),
        ("PATCH", "/count/symdb/v1/input"),
        ("HEAD", "/count/symdb/v1/input"),
    ],
)
@pytest.mark.parametrize("padding", [0, 3_000_000])
def test_a_body_in_the_wrong_place_is_never_run_as_a_request(
    intake: IntakeServer, method: str, path: str, padding: int
) -> None:
    inner = (
        b"POST /count/symdb/v1/input HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=XX\r\n"
        b"Content-Length: %d\r\n\r\n%s"
    ) % (len(WHOLE), WHOLE)
    body = inner + b" " * padding
    head = f"{method} {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with suppress(OSError):  # much is not read on: the connection is closed
        assert b" 202 " not in talk(intake, head + body)
    assert intake.ledger.view(UPLOAD_ID) is None


@pytest.mark.parametrize(
    "line",
    [b"nothing", b"Content-Length : %d", b"Transfer-Encoding\t: chunked", b" Content-Length: %d",
     b"\0Content-Length: %d", b"Content-Type: x\r\nContent-Type: y",
     b"Content-Length: %d\r\nContent-Length: 6", b"Content-Length: %d\r\nContent-Length: %d",
     b"Content-Length: %d\r\nTransfer-Encoding: chunked"],
)  # fmt: skip
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_head_in_which_readers_may_see_another_length_is_refused(
    intake: IntakeServer, method: bytes, line: bytes
) -> None:
    inner = (
        b"POST /count/symdb/v1/input HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(WHOLE) + WHOLE
    )
    line = line.replace(b"%d", b"%d" % len(inner))
    answer = talk(intake, method + b" /ledger/x HTTP/1.1\r\n" + line + b"\r\n\r\n" + inner)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Content-Type: application/gzip", b"Content-Type: application/gzip\r\nContent-Type: x"),
        (b'name="file"', b'name="file"; name="event"'),
        (b'name="file"', b'name="file"; name=event'),
        (b'name="file"', b'NAME="event"; name="file"'),
        (b'filename="file.gz"', b'filename="file.gz"; filename="file.gz"'),
    ],
)
def test_what_a_part_says_twice_is_refused(intake: IntakeServer, old: bytes, new: bytes) -> None:
    status, error = deliver(intake, WHOLE.replace(old, new))
    assert (status, "twice" in error) == (400, True)


HASTY = structs.replace(BUDGET, request_s=0.2)
POST = b"POST /count/symdb/v1/input HTTP/1.1\r\nContent-"


@pytest.mark.parametrize("begun", [b"P", POST, POST + b"Length: 9\r\n\r\n"])
def test_a_request_that_does_not_end_is_told_so(begun: bytes) -> None:
    with serve(budget=HASTY) as intake, connect(intake) as connection:
        connection.sendall(begun)
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b"}")


def test_a_connection_that_says_nothing_is_closed_without_a_word() -> None:
    """Its sender may just have begun the next request, and would take it for the answer to that."""
    with serve(budget=HASTY) as intake, connect(intake) as connection:
        connection.sendall(b"GET /ledger/x HTTP/1.1\r\n\r\n")
        assert connection.makefile("rb").read().count(b"HTTP/1.1") == 1


def test_connections_are_limited_and_given_back() -> None:
    with serve(budget=structs.replace(BUDGET, connections=2)) as intake:
        held = [connect(intake) for _ in range(2)]
        with connect(intake) as third:
            assert third.makefile("rb").readline().startswith(b"HTTP/1.1 503 ")
        for one in held:
            one.close()
        while request(intake, "GET", "/ledger/x")[0] != 404:
            pass


def test_a_ledger_is_found_under_any_upload_id(intake: IntakeServer) -> None:
    body = make_raw(envelope(PACKAGE, HEAD.replace(b"upload-1", b"a b/c")))
    assert deliver(intake, body)[0] == 202
    assert request(intake, "GET", "/ledger/a%20b%2Fc")[1]["accepted"] == 1
