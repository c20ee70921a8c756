"""Decide, before a unit is part of a batch, that the batch will not exceed its limit.

A unit is one direct child of a package, with the package's own fields if they are not in the batch
yet, or a package without children. The guarantee: the complete request body of a batch that holds
more than one unit is at most `limit_bytes` long.

Proof. Let S be the sink's size after the last sync flush, all of it real; r the raw bytes written
since; t what completing the batch takes at most (closing brackets, gzip trailer, event part and
boundary). A unit is accepted without a measurement only if S + worst(r) + t <= limit, where worst
is the compressor's own promise of how far it can expand r bytes. Otherwise everything is flushed,
which makes r nothing, and the test is repeated; otherwise the unit is compressed after a snapshot,
flushed, and measured: if S + t > limit now, the snapshot is restored and the unit belongs to the
next batch.

JSON of scopes shrinks twelvefold and more, so each flush leaves some 11/12 of the room it found.
The closer to the limit, the more flushes for the same gain: with less than 1/2048 of the limit
left, a unit that is not sure to fit goes to the next batch untried.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.pipelines.compressors import GZIP_TRAILER_BYTES, worst_case_bytes
from harness.pipelines.gzip_stream import GzipStream
from harness.pipelines.sinks import Sink

STAGE = "gzip"

# Most flushes were spent on the last half of a thousandth: with 2 MiB, 205 a batch and not 160.
_SPARE_SHARE = 2048


class BatchBudget:
    """The room that is left in one batch.

    Args:
        stream: What units are written to.
        sink: What the stream writes to, and what is measured.
        limit_bytes: The longest request body allowed.
        closing_raw_bytes: Envelope bytes still to be compressed when the batch is completed.
        epilogue_bytes: Bytes that follow the gzip part.
    """

    def __init__(
        self,
        stream: GzipStream,
        sink: Sink,
        limit_bytes: int,
        closing_raw_bytes: int,
        epilogue_bytes: int,
    ) -> None:
        self._stream = stream
        self._sink = sink
        closing_bytes = worst_case_bytes(closing_raw_bytes) + GZIP_TRAILER_BYTES
        self._room_bytes = limit_bytes - closing_bytes - epilogue_bytes
        self._spare_bytes = limit_bytes // _SPARE_SHARE
        self._safe_position = stream.safe_position(self._room_bytes)

    def admit(self, write: Callable[[], None], *, small: bool) -> bool:
        """Write a unit if there is room for it; leave no trace of it otherwise.

        `write` is called again if the first attempt is undone. A `small` unit is written to the
        buffer in one go, and nothing of it is pushed.
        """
        self._sync()
        if small and self._admit_by_bound(write):
            return True
        if self._room_bytes - len(self._sink) < self._spare_bytes:
            return False
        return self._admit_by_measure(write)

    def is_safe(self) -> bool:
        """Tell whether what has been written is sure to stay within the limit."""
        return len(self._stream.buffer) <= self.safe_buffer_bytes()

    def safe_buffer_bytes(self) -> int:
        """Return how long the buffer may become and still be sure to stay within the limit."""
        return self._safe_position - self._stream.raw_bytes

    def _admit_by_bound(self, write: Callable[[], None]) -> bool:
        start = len(self._stream.buffer)
        write()
        if self.is_safe():
            return True
        del self._stream.buffer[start:]
        return False

    def _admit_by_measure(self, write: Callable[[], None]) -> bool:
        snapshot = self._stream.snapshot()
        if snapshot is None:
            return False
        write()
        self._sync()
        if len(self._sink) <= self._room_bytes:
            return True
        self._stream.restore(snapshot)
        return False

    def _sync(self) -> None:
        self._stream.sync()
        self._safe_position = self._stream.safe_position(self._room_bytes)
