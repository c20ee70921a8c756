"""One gzip member being written into a sink, with a small buffer of JSON in front of it."""

from __future__ import annotations

import zlib

from msgspec import Struct

from harness.config import KIB
from harness.pipelines.compressors import Compressor, safe_raw_bytes
from harness.pipelines.sinks import Sink

STAGE = "gzip"

# Scopes are a few hundred bytes; a call into the compressor costs more than copying them together,
# and its 270 KiB of state have to come back into the processor's cache each time. Half as much
# again is allocated as the buffer grows, and from 128 KiB on malloc maps and unmaps it each time,
# which costs more than fewer calls save. What is small as a whole needs memory more than speed.
BUFFER_BYTES = 80 * KIB
_LEAST_BUFFER_BYTES = 16 * KIB
_BUFFER_SHARE = 32


class Snapshot(Struct, frozen=True):
    """A state of a stream to go back to."""

    compressor: Compressor
    sink_bytes: int
    raw_bytes: int


class GzipStream:
    """Compresses what is written to `buffer` and puts the result into the sink.

    Writers append to `buffer` and then call `advance`. Alive at any moment: the buffer, the
    compressor's state (about 270 KiB for zlib), and what the sink holds. The buffer is compressed
    from `room` bytes on: a 32nd of what was written before, but 16 to 80 KiB; it is larger only if
    more was appended at once.

    `intact` turns false when a failure has left half of something behind; what the stream holds
    must not be sent then.
    """

    def __init__(self, sink: Sink, compressor: Compressor) -> None:
        self.buffer = bytearray()
        self.raw_bytes = 0
        self.intact = True
        self._sink = sink
        self._compressor = compressor
        self._synced_raw_bytes = 0
        self._synced_sink_bytes = len(sink)

    @property
    def room(self) -> int:
        """From how many bytes on the buffer is worth a call into the compressor."""
        return min(BUFFER_BYTES, max(_LEAST_BUFFER_BYTES, self.raw_bytes // _BUFFER_SHARE))

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self.buffer += data
        self.advance()

    def advance(self) -> None:
        """Compress the buffer once it is worth a call."""
        if len(self.buffer) >= self.room:
            self.push()

    def push(self) -> None:
        """Compress the buffer now. The compressor may still hold back what it made of it."""
        if self.buffer:
            self.compress_buffer()
            self.buffer.clear()

    def compress_buffer(self) -> None:
        """Compress the buffer and leave it to the caller, who is about to write over it.

        Clearing it would free its memory, only to have it grow again step by step.
        """
        self.intact = False  # until the sink has taken what the compressor gave away
        self._sink.write(self._compressor.compress(self.buffer))
        self.raw_bytes += len(self.buffer)
        self.intact = True

    def sync(self) -> None:
        """Bring everything written so far into the sink, so that its size tells the truth."""
        self.push()
        if self.raw_bytes != self._synced_raw_bytes:
            self.intact = False  # as in compress_buffer
            self._sink.write(self._compressor.flush(zlib.Z_SYNC_FLUSH))
            self.intact = True
            self._synced_raw_bytes = self.raw_bytes
            self._synced_sink_bytes = len(self._sink)

    def finish(self) -> None:
        """Write what is left and the gzip trailer."""
        self.push()
        self.intact = False  # as in compress_buffer
        self._sink.write(self._compressor.flush())
        self.intact = True

    def safe_position(self, sink_bytes: int) -> int:
        """Return how far can be written at least before the sink holds more than `sink_bytes`."""
        return self._synced_raw_bytes + safe_raw_bytes(sink_bytes - self._synced_sink_bytes)

    def can_restore(self) -> bool:
        """Tell whether the compressor can be copied, and so the stream be taken back."""
        return hasattr(self._compressor, "copy")

    def snapshot(self) -> Snapshot | None:
        """Return the present state, all of it in the sink; None if the compressor has no copy."""
        self.sync()
        copy = getattr(self._compressor, "copy", None)
        return None if copy is None else Snapshot(copy(), len(self._sink), self.raw_bytes)

    def restore(self, snapshot: Snapshot) -> None:
        """Forget everything written after `snapshot`, which is used up by this."""
        self.buffer.clear()
        self._compressor = snapshot.compressor
        self._sink.truncate(snapshot.sink_bytes)
        self.raw_bytes = self._synced_raw_bytes = snapshot.raw_bytes
        self._synced_sink_bytes = snapshot.sink_bytes
