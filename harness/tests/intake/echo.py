"""Servers that say back what they were told, secrets included."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.client import parse_headers
from io import BytesIO

Answer = Callable[[bytes], bytes]


def echo(heard: bytes) -> bytes:
    """Refuse, and repeat the head of the request."""
    return b"HTTP/1.1 403 no\r\nContent-Length: %d\r\n\r\n%s" % (len(heard), heard)


class Handler(socketserver.StreamRequestHandler):
    """Reads one request and answers it."""

    server: EchoServer

    def handle(self) -> None:
        head = b""
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            head += line
        headers = parse_headers(BytesIO(head.partition(b"\r\n")[2]))
        self.rfile.read(int(headers.get("Content-Length", 0)))
        self.server.seen.append(headers)
        self.wfile.write(self.server.answer(head))


class EchoServer(socketserver.TCPServer):
    """Keeps the headers that it saw, one request a connection."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.seen: list[Message] = []


@contextmanager
def echo_server(answer: Answer = echo) -> Iterator[tuple[str, list[Message]]]:
    """Yield where a server listens, and the headers that it has seen."""
    with EchoServer(answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", server.seen
        finally:
            server.shutdown()
            thread.join()
