"""The request body of one batch: the gzip part, then the event part, with CRLF throughout."""

from __future__ import annotations

import io
import os
from typing import IO

from harness.pipelines.sinks import Sink

STAGE = "multipart"

_FILE_HEADER = (
    b'Content-Disposition: form-data; name="file"; filename="file.gz"\r\n'
    b"Content-Type: application/gzip\r\n\r\n"
)
_EVENT_HEADER = (
    b'Content-Disposition: form-data; name="event"; filename="event.json"\r\n'
    b"Content-Type: application/json\r\n\r\n"
)


def new_boundary() -> bytes:
    """Return a separator no payload contains, save with a chance of 2**-128 a byte."""
    return os.urandom(16).hex().encode()


def content_type(boundary: bytes) -> str:
    """Return the request's Content-Type."""
    return f"multipart/form-data; boundary={boundary.decode()}"


def prologue(boundary: bytes) -> bytes:
    """Return what stands before the gzip bytes."""
    return b"--" + boundary + b"\r\n" + _FILE_HEADER


def epilogue(boundary: bytes, event: bytes) -> bytes:
    """Return what stands behind the gzip bytes: the event part and the closing boundary."""
    separator = b"\r\n--" + boundary
    return separator + b"\r\n" + _EVENT_HEADER + event + separator + b"--\r\n"


class BytesBody:
    """A request body held as one bytes object, the way the legacy pipeline holds it."""

    def __init__(self, content_type: str, data: bytes) -> None:
        self.content_type = content_type
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def open(self) -> IO[bytes]:
        """Return a reader that shares the bytes without copying them."""
        return io.BytesIO(self._data)


class SinkBody:
    """What a sink holds, as a request body that can be sent again."""

    def __init__(self, content_type: str, sink: Sink) -> None:
        self.content_type = content_type
        self._sink = sink

    def __len__(self) -> int:
        return len(self._sink)

    def open(self) -> IO[bytes]:
        """Return a fresh reader from the start."""
        return self._sink.open()
