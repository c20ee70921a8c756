"""Servers that answer oddly, each with what a sender has to make of it."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

ACCEPTED = "accepted"
AMBIGUOUS = "may have been accepted"
REFUSED = "refused"
RESET = struct.pack("ii", 1, 0)


class Peer(NamedTuple):
    """How a server goes: what it answers once it has read so much, and how it ends."""

    outcome: str
    answer: bytes
    reads: int | None = None
    end: str = "close"


def ok(headers: bytes = b"", body: bytes = b"", status: bytes = b"202 x") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\n" + headers + b"\r\n" + body


KEY = b"s3cr3t-v\\alue"
EMPTY = b"Content-Length: 0\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
EARLY = ok(EMPTY + b"Connection: close\r\n")

PEERS = {
    "plain": Peer(ACCEPTED, ok(EMPTY)),
    "no length": Peer(ACCEPTED, ok()),
    "no reason": Peer(ACCEPTED, b"HTTP/1.1 202\r\n" + EMPTY + b"\r\n"),
    "bare newlines": Peer(ACCEPTED, b"HTTP/1.1 202 x\nContent-Length: 0\n\n"),
    "http 1.0": Peer(ACCEPTED, b"HTTP/1.0 202 x\r\n\r\nthanks"),
    "no content, with content": Peer(ACCEPTED, ok(b"", b"x", b"204 x")),
    "lowest": Peer(ACCEPTED, ok(EMPTY, status=b"200 x")),
    "highest": Peer(ACCEPTED, ok(EMPTY, status=b"299 x")),
    "says that it closes": Peer(ACCEPTED, EARLY),
    "continue": Peer(ACCEPTED, ok(status=b"100 x") + ok(EMPTY)),
    "processing": Peer(ACCEPTED, ok(status=b"102 x") + ok(EMPTY)),
    "early hints": Peer(ACCEPTED, ok(b"Link: <x>\r\n", status=b"103 x") + ok(EMPTY)),
    "interim of every kind": Peer(
        ACCEPTED,
        b"".join(ok(status=b"%d x" % code) for code in range(100, 200) if code != 101) + ok(EMPTY),
    ),
    "two lengths": Peer(ACCEPTED, ok(EMPTY + b"Content-Length: 1\r\n")),
    "the same length twice": Peer(ACCEPTED, ok(EMPTY + EMPTY)),
    "listed lengths": Peer(ACCEPTED, ok(b"Content-Length: 0, 1\r\n")),
    "negative length": Peer(ACCEPTED, ok(b"Content-Length: -5\r\n")),
    "length that is a word": Peer(ACCEPTED, ok(b"Content-Length: five\r\n")),
    "endless length": Peer(ACCEPTED, ok(b"Content-Length: %s\r\n" % (b"9" * 40), b"x")),
    "length of 5,000 digits": Peer(ACCEPTED, ok(b"Content-Length: %s\r\n" % (b"9" * 5000), b"x")),
    "negative chunk": Peer(ACCEPTED, ok(CHUNKED, b"-5\r\n")),
    "endless chunk": Peer(ACCEPTED, ok(CHUNKED, b"F" * 20 + b"\r\nx")),
    "vast chunk": Peer(ACCEPTED, ok(CHUNKED, b"7FFFFFFFFFFF\r\nx")),
    "chunk that is a word": Peer(ACCEPTED, ok(CHUNKED, b"five\r\n")),
    "chunk line without end": Peer(ACCEPTED, ok(CHUNKED, b"0" * 70_000)),
    "chunks cut short": Peer(ACCEPTED, ok(CHUNKED, b"5\r\nab")),
    "chunks and a length": Peer(ACCEPTED, ok(CHUNKED + EMPTY, b"0\r\n\r\n")),
    "unknown transfer encoding": Peer(ACCEPTED, ok(b"Transfer-Encoding: x\r\n", b"y")),
    "damaged gzip": Peer(ACCEPTED, ok(b"Content-Encoding: gzip\r\n", b"no gzip")),
    "body cut short": Peer(ACCEPTED, ok(b"Content-Length: 9\r\n", b"{")),
    "body too long": Peer(ACCEPTED, ok(b"Content-Length: 1\r\n", b"xyz" * 100)),
    "body without end": Peer(ACCEPTED, ok(b"", b"..."), end="hold"),
    "chunks without end": Peer(ACCEPTED, ok(CHUNKED, b"1\r\nx\r\n"), end="hold"),
    "large body": Peer(ACCEPTED, ok(b"", b"x" * 1_000_000)),
    "a hundred and one headers": Peer(ACCEPTED, ok(b"a: b\r\n" * 101)),
    "header line of 70,000 bytes": Peer(ACCEPTED, ok(b"a: %s\r\n" % (b"b" * 70_000))),
    "header line of 65,540 bytes": Peer(ACCEPTED, ok(b"a: %s\r\n" % (b"b" * 65_400) + EMPTY)),
    "header without a colon": Peer(ACCEPTED, ok(b"nothing\r\n" + EMPTY)),
    "header that is no text": Peer(ACCEPTED, ok(b"a: \xff\x00\x01\r\n" + EMPTY)),
    "folded header": Peer(ACCEPTED, ok(b"a: b\r\n c\r\n" + EMPTY)),
    "head cut short": Peer(ACCEPTED, b"HTTP/1.1 202 x\r\na: b"),
    "answered twice": Peer(ACCEPTED, ok(EMPTY) + ok(EMPTY)),
    "accepted, then reset": Peer(ACCEPTED, ok(EMPTY), end="reset"),
    "a byte at a time": Peer(ACCEPTED, ok(b"a: b\r\n" + EMPTY), end="drip"),
    "chunks with trailers": Peer(ACCEPTED, ok(CHUNKED, b"0\r\n" + b"a: b\r\n" * 200 + b"\r\n")),
    "reason of control codes": Peer(ACCEPTED, ok(EMPTY, status=b"202 \x1b[2J\x00\x85")),
    "a key as the reason": Peer(REFUSED, ok(EMPTY, KEY, b"403 " + KEY)),
    "a key in the headers": Peer(REFUSED, ok(EMPTY + KEY + b": " + KEY + b"\r\n", KEY, b"400 x")),
    "a key as the status": Peer(AMBIGUOUS, ok(EMPTY, status=KEY)),
    "a key as the version": Peer(AMBIGUOUS, b"HTTP/" + KEY + b" 202 x\r\n\r\n"),
    "half closed": Peer(AMBIGUOUS, b"", end="half"),
    "blank line first": Peer(AMBIGUOUS, b"\r\n" + ok(EMPTY)),
    "interim with a body": Peer(
        AMBIGUOUS, ok(b"Content-Length: 5\r\n", b"hello", b"103 x") + ok(EMPTY)
    ),
    "status with a sign": Peer(AMBIGUOUS, ok(EMPTY, status=b"+202 x")),
    "status with an underscore": Peer(AMBIGUOUS, ok(EMPTY, status=b"2_02 x")),
    "status with a nought before it": Peer(AMBIGUOUS, ok(EMPTY, status=b"0202 x")),
    "accepted early": Peer(AMBIGUOUS, EARLY, reads=1024),
    "accepted unread": Peer(AMBIGUOUS, EARLY, reads=0),
    "accepted early, then reset": Peer(AMBIGUOUS, EARLY, reads=1024, end="reset"),
    "no answer": Peer(AMBIGUOUS, b""),
    "reset": Peer(AMBIGUOUS, b"", end="reset"),
    "interim and no more": Peer(AMBIGUOUS, ok(status=b"103 x")),
    "interim for ever": Peer(AMBIGUOUS, ok(status=b"103 x") * 5000),
    "interim, damaged": Peer(AMBIGUOUS, ok(b"a: b\r\n" * 101, status=b"103 x")),
    "status cut short": Peer(AMBIGUOUS, b"HTTP/1.1 20"),
    "status line only, cut short": Peer(AMBIGUOUS, b"HTTP/1.1 \r\n\r\n"),
    "no http": Peer(AMBIGUOUS, b"\x00\xff not http\r\n\r\n"),
    "http 2": Peer(AMBIGUOUS, b"HTTP/2 202 x\r\n\r\n"),
    "status of two digits": Peer(AMBIGUOUS, ok(status=b"99 x")),
    "status of four digits": Peer(AMBIGUOUS, ok(status=b"1000 x")),
    "negative status": Peer(AMBIGUOUS, ok(status=b"-202 x")),
    "status that is a word": Peer(AMBIGUOUS, ok(status=b"yes x")),
    "switching": Peer(REFUSED, ok(status=b"101 x")),
    "unknown status": Peer(REFUSED, ok(EMPTY, status=b"999 x")),
    "refused early": Peer(REFUSED, ok(EMPTY, status=b"503 x"), reads=1024),
    "refused with a negative chunk": Peer(REFUSED, ok(CHUNKED, b"-5\r\n", b"503 x")),
    "refused with two lengths": Peer(REFUSED, ok(EMPTY + b"Content-Length: 1\r\n", b"", b"400 x")),
    "refused with an endless body": Peer(REFUSED, ok(b"", b"...", b"503 x"), end="hold"),
    "refused with a long header": Peer(REFUSED, ok(b"a: b\r\n" * 101, b"", b"503 x")),
    **{
        f"status {code}": Peer(REFUSED, ok(EMPTY, status=b"%d x" % code))
        for code in (300, 301, 304, 307, 400, 401, 403, 404, 408, 413, 429, 500, 501, 503, 599)
    },
}  # fmt: skip


def read_request(sock: socket.socket) -> tuple[bytes, bytes]:
    """Return the head of a request and its body, or nothing where there is no whole one."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return b"", b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    assert length is not None
    pieces, left = [body], int(length[1]) - len(body)
    while left > 0 and (more := sock.recv(65536)):
        pieces.append(more)
        left -= len(more)
    return (b"", b"") if left else (head, b"".join(pieces))


def take(sock: socket.socket, reads: int) -> None:
    """Read so much of a request."""
    while reads > 0 and (more := sock.recv(reads)):
        reads -= len(more)


def give(sock: socket.socket, peer: Peer, stopping: threading.Event) -> None:
    """Answer, and end as a peer does."""
    if peer.end == "drip":
        for at in range(len(peer.answer)):
            sock.sendall(peer.answer[at : at + 1])
    else:
        sock.sendall(peer.answer)
    if peer.end == "hold":
        stopping.wait()
    elif peer.end == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


@contextmanager
def serve_peer(peer: Peer) -> Iterator[str]:
    """Yield the URL of a server that answers every connection's first request like `peer`."""

    def answer(sock: socket.socket, stopping: threading.Event) -> None:
        if peer.end == "half":
            sock.shutdown(socket.SHUT_WR)
        if peer.reads is None:
            read_request(sock)
        else:
            take(sock, peer.reads)
        give(sock, peer, stopping)

    with serving(answer, small_window=peer.reads is not None) as url:
        yield url


@contextmanager
def serving(
    answer: Callable[[socket.socket, threading.Event], None], *, small_window: bool = False
) -> Iterator[str]:
    """Yield the URL of a server that has each connection answered in a thread of its own."""
    stopping, threads = threading.Event(), list[threading.Thread]()

    def attend(sock: socket.socket) -> None:
        with sock, suppress(OSError):
            answer(sock, stopping)

    def accept() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                threads.append(threading.Thread(target=attend, args=(sock,)))
                threads[-1].start()

    with socket.socket() as listener:
        if small_window:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        threads.append(threading.Thread(target=accept))
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        finally:
            stopping.set()
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
