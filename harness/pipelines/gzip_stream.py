"""One gzip member being written into a sink, with a small buffer of JSON in front of it."""

from __future__ import annotations

import zlib

from harness.config import KIB
from harness.pipelines.compressors import Compressor
from harness.pipelines.sinks import Sink

# Scopes are a few hundred bytes; a call into the compressor costs more than copying them together.
_BUFFER_BYTES = 16 * KIB


class GzipStream:
    """Compresses what is written to `buffer` and puts the result into the sink.

    Writers append to `buffer` and then call `advance`. Alive at any moment: the buffer (16 KiB, or
    one scope if that is larger), the compressor's state (about 270 KiB for zlib), and what the
    sink holds.
    """

    def __init__(self, sink: Sink, compressor: Compressor) -> None:
        self.buffer = bytearray()
        self.raw_bytes = 0
        self._sink = sink
        self._compressor = compressor

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self.buffer += data
        self.advance()

    def advance(self) -> None:
        """Compress the buffer once it is worth a call."""
        if len(self.buffer) >= _BUFFER_BYTES:
            self.push()

    def push(self) -> None:
        """Compress the buffer now. The compressor may still hold back what it made of it."""
        if self.buffer:
            self._sink.write(self._compressor.compress(self.buffer))
            self.raw_bytes += len(self.buffer)
            self.buffer.clear()

    def sync(self) -> None:
        """Bring everything written so far into the sink, so that its size tells the truth."""
        self.push()
        self._sink.write(self._compressor.flush(zlib.Z_SYNC_FLUSH))

    def finish(self) -> None:
        """Write what is left and the gzip trailer."""
        self.push()
        self._sink.write(self._compressor.flush())
