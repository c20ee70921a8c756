"""Where the streaming pipeline puts compressed bytes until the batch is sent: memory or disk.

A sink can only be appended to; it can be cut back, read from the start while nothing is appended,
and used again. A closed one holds nothing, and raises PipelineError when it is written or opened.
"""

from __future__ import annotations

import io
import os
import tempfile
from typing import IO

from harness.config import KIB, MIB
from harness.errors import ConfigError, PipelineError

STAGE = "gzip"

_BLOCK_BYTES = 64 * KIB
DISK_CAP_BYTES = 64 * MIB


class MemorySink:
    """Keeps bytes in blocks of 64 KiB.

    A growing bytearray would be copied as it grows and hold up to an eighth more than it needs;
    blocks are filled in place. Truncation keeps the blocks, as the original's buffer did.
    """

    def __init__(self) -> None:
        self._blocks: list[bytearray] = []
        self._size = 0
        self._closed = False

    def __len__(self) -> int:
        return self._size

    def write(self, data: bytes) -> None:
        """Append `data`."""
        if self._closed:
            raise _closed()
        done = 0
        with memoryview(data) as view:
            while done < len(view):
                index, offset = divmod(self._size, _BLOCK_BYTES)
                if index == len(self._blocks):
                    self._blocks.append(bytearray(_BLOCK_BYTES))
                count = min(len(view) - done, _BLOCK_BYTES - offset)
                # Views on both sides: a bytearray makes a copy of whatever is assigned to a slice.
                with memoryview(self._blocks[index]) as block:
                    block[offset : offset + count] = view[done : done + count]
                self._size += count
                done += count

    def truncate(self, size: int) -> None:
        """Forget everything behind the first `size` bytes; the blocks stay for the next batch."""
        self._size = min(size, self._size)

    def open(self) -> IO[bytes]:
        """Return a reader that copies out no more than it is asked for."""
        if self._closed:
            raise _closed()
        return io.BufferedReader(_BlockReader(self._blocks, self._size), buffer_size=16 * KIB)

    def close(self) -> None:
        """Release the blocks."""
        self._closed = True
        self._blocks.clear()
        self._size = 0


def _closed() -> PipelineError:
    return PipelineError("the sink is closed: nothing can be written or sent any more")


class _BlockReader(io.RawIOBase):
    def __init__(self, blocks: list[bytearray], size: int) -> None:
        self._blocks = blocks
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        index, offset = divmod(self._position, _BLOCK_BYTES)
        count = min(len(buffer), self._size - self._position, _BLOCK_BYTES - offset)
        if count > 0:
            with memoryview(self._blocks[index]) as block:
                buffer[:count] = block[offset : offset + count]
            self._position += count
        return max(count, 0)


class DiskSink:
    """Keeps bytes in an unlinked temporary file, so that none of them is on the heap.

    The file has no name from the start: nothing is left behind, however the process ends. It may
    grow to `cap_bytes`. A file that cannot be made is an error; nothing falls back in silence, to
    memory or from TMPDIR to another directory. The pages are page cache: outside the heap, but
    charged to a cgroup.
    """

    def __init__(self, cap_bytes: int = DISK_CAP_BYTES) -> None:
        self._cap_bytes = cap_bytes
        self._size = 0
        try:
            self._file = tempfile.TemporaryFile(  # noqa: SIM115 - lives until close()
                buffering=0,
                dir=os.environ.get("TMPDIR") or None,  # tempfile alone passes over a bad one
            )
        except OSError as error:
            raise PipelineError(
                f"no temporary file for the disk sink: {error}",
                remedy="point TMPDIR at a writable directory, or use the memory sink",
            ) from error

    def __len__(self) -> int:
        return self._size

    def write(self, data: bytes) -> None:
        """Append `data`.

        Raises:
            PipelineError: The file would exceed its cap, or the disk refused.
        """
        if self._file.closed:
            raise _closed()
        if self._size + len(data) > self._cap_bytes:
            raise PipelineError(
                f"the batch exceeds the {self._cap_bytes} bytes a disk sink may hold",
                remedy="use a lower threshold, or the hard limit",
            )
        done = 0
        try:
            with memoryview(data) as view:
                while done < len(view):
                    done += os.pwrite(self._file.fileno(), view[done:], self._size + done)
        except OSError as error:
            raise PipelineError(f"the disk sink cannot be written: {error}") from error
        self._size += done

    def truncate(self, size: int) -> None:
        """Forget everything behind the first `size` bytes; the file keeps its blocks."""
        self._size = min(size, self._size)

    def open(self) -> IO[bytes]:
        """Return a reader with a position of its own over the same file."""
        if self._file.closed:
            raise _closed()
        return io.BufferedReader(_FileReader(self._file.fileno(), self._size), buffer_size=16 * KIB)

    def close(self) -> None:
        """Close the file, which frees its space."""
        self._file.close()
        self._size = 0


class _FileReader(io.RawIOBase):
    """Reads a file by position. Its failures are not the network's, and must not look like them."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = min(len(buffer), self._size - self._position)
        try:
            with memoryview(buffer)[:wanted] as room:
                count = os.preadv(self._descriptor, [room], self._position)
        except OSError as error:
            raise PipelineError(f"the disk sink cannot be read back: {error}") from error
        if wanted and not count:
            raise PipelineError("the disk sink was cut short from outside")
        self._position += count
        return count


Sink = MemorySink | DiskSink


def make_sink(name: str) -> Sink:
    """Return an empty sink: `memory` or `disk`."""
    if name == "memory":
        return MemorySink()
    if name == "disk":
        return DiskSink()
    raise ConfigError(f"there is no sink called {name!r}", remedy="choose memory or disk")
