"""Caches and indexes that stay small: known values, sorted keys, and records in unlinked files.

An index over a whole binary grows with it, and as Python objects it would be most of the heap. Keys
are packed into 64 bits, sorted in chunks, merged into a file and searched through a sparse index of
one key in 256; records are appended to a file and read back by position.
"""

from __future__ import annotations

import heapq
import os
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import IO, TypeVar

STAGE = "extraction"

_K = TypeVar("_K")
_V = TypeVar("_V")


class Known(dict[_K, _V]):
    """Values by key; all are forgotten when there are too many.

    A key that is known costs no frame of Python. `make` must not lead back to whoever keeps this:
    that would be a cycle, alive until the collector comes by.
    """

    def __init__(self, most: int, make: Callable[[_K], _V]) -> None:
        self._most = most
        self._make = make

    def __missing__(self, key: _K) -> _V:
        if len(self) >= self._most:
            self.clear()
        value = self[key] = self._make(key)
        return value


_KEY_BYTES = 8
_CHUNK_KEYS = 8 * 1024
_BLOCK_KEYS = 256
_READ_KEYS = 512
_LENGTH_BYTES = 4
_GUESS_BYTES = 1024


class SortedKeys:
    """A multiset of 64-bit keys: add all, seal once, then ask for ranges."""

    def __init__(self) -> None:
        self._chunk = array("Q")
        self._file: IO[bytes] | None = None
        self._spilled = 0
        self._first: array[int] = array("Q")
        self._block: array[int] = array("Q")
        self._block_at = -1

    def add(self, key: int) -> None:
        """Add one key."""
        self._chunk.append(key)
        if len(self._chunk) >= _CHUNK_KEYS:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = _temporary()
        self._file.write(array("Q", sorted(self._chunk)).tobytes())
        self._spilled += len(self._chunk)
        self._chunk = array("Q")

    def seal(self) -> None:
        """Sort everything; no key may be added after."""
        if self._file is None:
            self._chunk = array("Q", sorted(self._chunk))
            return
        if self._chunk:
            self._spill()
        self._file.flush()
        source = self._file
        runs = [
            _iter_keys(source, start, min(start + _CHUNK_KEYS, self._spilled))
            for start in range(0, self._spilled, _CHUNK_KEYS)
        ]
        self._file = _temporary()
        block = array("Q")
        for key in heapq.merge(*runs):
            block.append(key)
            if len(block) == _BLOCK_KEYS:
                block = self._write_block(self._file, block)
        if block:
            self._write_block(self._file, block)
        self._file.flush()
        source.close()

    def _write_block(self, file: IO[bytes], block: array[int]) -> array[int]:
        self._first.append(block[0])
        file.write(block.tobytes())
        return array("Q")

    def iter_range(self, low: int, high: int) -> Iterator[int]:
        """Yield the keys in [low, high), sorted."""
        if self._file is None:
            for index in range(bisect_left(self._chunk, low), len(self._chunk)):
                if self._chunk[index] >= high:
                    return
                yield self._chunk[index]
            return
        start = max(bisect_left(self._first, low) - 1, 0)
        for number in range(start, len(self._first)):
            if self._first[number] >= high:
                return
            if number != self._block_at:  # most questions come in the order of the keys
                self._block = _read_keys(self._file, number * _BLOCK_KEYS, _BLOCK_KEYS)
                self._block_at = number
            block = self._block
            yield from block[bisect_left(block, low) : bisect_left(block, high)]

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()


class Records:
    """Byte strings, appended and read back by position."""

    def __init__(self) -> None:
        self._file = _temporary()
        self._end = 0
        self._window = b""
        self._window_at = 0

    def append(self, record: bytes) -> int:
        """Store one record and return its position."""
        position = self._end
        self._file.write(len(record).to_bytes(_LENGTH_BYTES, "little") + record)
        self._end += _LENGTH_BYTES + len(record)
        return position

    def seal(self) -> None:
        """Make all records readable."""
        self._file.flush()

    def read(self, position: int) -> bytes:
        """Return the record at a position; small ones that follow it are at hand then."""
        at = position - self._window_at
        if not 0 <= at <= len(self._window) - _LENGTH_BYTES:
            self._window = os.pread(self._file.fileno(), _GUESS_BYTES, position)
            self._window_at, at = position, 0
        start = at + _LENGTH_BYTES
        size = int.from_bytes(self._window[at:start], "little")
        if start + size > len(self._window):
            return os.pread(self._file.fileno(), size, position + _LENGTH_BYTES)
        return self._window[start : start + size]

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def _temporary() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="harness-index-")


def _read_keys(file: IO[bytes], start: int, count: int) -> array[int]:
    return array("Q", os.pread(file.fileno(), count * _KEY_BYTES, start * _KEY_BYTES))


def _iter_keys(file: IO[bytes], start: int, end: int) -> Iterator[int]:
    for at in range(start, end, _READ_KEYS):
        yield from _read_keys(file, at, min(_READ_KEYS, end - at))
