"""Sections as windows: bytes are read where they lie, a bounded piece at a time.

A memory map would be counted as heap by memray (22 MiB for libpython), and whole sections read into
bytes would make extraction grow with the binary. `pread` on a small window costs 1 to 2 µs once the
page is cached, which is less than a page cache of our own in Python would.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO

from harness.errors import InputRejected

STAGE = "extraction"

_STRING_BYTES = 256
_CACHED_BYTES = 64 * 1024
_SEARCHED_BYTES = 64 * 1024
NO_BYTES = b""


class Section:
    """One section of an open file. Offsets are from the start of the section, uncompressed.

    `.zdebug_x` is named `.debug_x`. The `address` is 0 for sections that are not loaded.
    """

    __slots__ = (
        "_ahead", "_fd", "_keep", "_start", "_window", "_window_at", "address", "name", "size"
    )  # fmt: skip

    def __init__(self, name: str, fd: int, start: int, size: int, address: int = 0) -> None:
        self.name = name
        self.address = address
        self.size = size
        self._fd = fd
        self._start = start
        self._ahead = _CACHED_BYTES
        self._keep: IO[bytes] | None = None
        self._window = NO_BYTES
        self._window_at = 0

    def read(self, offset: int, size: int) -> bytes:
        """Return exactly `size` bytes from `offset`.

        Raises:
            InputRejected: The range is not inside the section, or the file ends before it does.
        """
        if offset < 0 or size < 0 or offset + size > self.size:
            raise InputRejected(
                f"needs {size} bytes, the section has {self.size}",
                section=self.name,
                offset=offset,
            )
        data = os.pread(self._fd, size, self._start + offset)
        if len(data) != size:
            raise InputRejected(
                "the file ends inside the section", section=self.name, offset=offset
            )
        return data

    def window(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; fewer only at the end of the section."""
        return self.read(offset, min(size, self.size - offset))

    def near(self, offset: int, size: int) -> tuple[bytes, int]:
        """Return bytes that hold `size` bytes from `offset`, and where in them `offset` is.

        One window is kept, for readers that come back close to where they were: most of a section
        is read in file order, in many small steps. At the end of the section there may be less.
        """
        at = offset - self._window_at
        if not 0 <= at <= len(self._window) - size:
            self._window = self.window(offset, max(size, self._ahead))
            self._window_at, at = offset, 0
        return self._window, at

    def glance(self, offset: int, size: int) -> tuple[bytes, int]:
        """Like `near`, for a reader that jumps about: it does not move the window."""
        at = offset - self._window_at
        if 0 <= at <= len(self._window) - size:
            return self._window, at
        return self.window(offset, size), 0

    def string(self, offset: int, limit: int) -> bytes:
        """Return the NUL-terminated string at `offset`, cut at `limit` bytes."""
        size = min(_STRING_BYTES, limit)
        if 0 <= offset <= self.size - size:  # nearly always, and then it is one call
            data = os.pread(self._fd, size, self._start + offset)
            end = data.find(0)
            if end >= 0:
                return data[:end]
            size *= 4
        while True:
            data = self.window(offset, min(size, limit))
            end = data.find(0)
            if end >= 0:
                return data[:end]
            if len(data) >= limit or offset + len(data) >= self.size:
                return data
            size *= 4

    def iter_found(self, octets: bytes, end: int | None = None) -> Iterator[int]:
        """Yield every offset at which the section holds these octets, or every one before `end`."""
        for start in range(0, self.size if end is None else min(self.size, end), _SEARCHED_BYTES):
            data = self.window(start, _SEARCHED_BYTES + len(octets) - 1)
            found = data.find(octets)
            while found >= 0:
                yield start + found
                found = data.find(octets, found + 1)

    def part(self, name: str, offset: int, size: int, address: int = 0) -> Section:
        """Return a section that lies inside this one; either may be released, once."""
        part = Section(name, self._fd, self._start + offset, size, address)
        part._keep = self._keep
        return part

    def view(self, window_bytes: int) -> Section:
        """Return the same bytes with a window of their own, for a reader in another place."""
        view = Section(self.name, self._fd, self._start, self.size, self.address)
        view._ahead = window_bytes
        return view

    def moved(self, name: str, by: int) -> Section:
        """Return the same bytes at offsets that are larger by so much: there is nothing below."""
        return self.part(name, -by, self.size + by)

    def rest(self, offset: int) -> Section:
        """Return the bytes from `offset` on, as a section of its own."""
        name = f"{self.name}+{offset:#x}"
        return Section(
            name, self._fd, self._start + offset, self.size - offset, self.address + offset
        )

    def keep(self, file: IO[bytes]) -> None:
        """Hold on to the temporary file behind this section for as long as the section lives."""
        self._keep = file

    def release(self) -> None:
        """Close the temporary file behind this section, if there is one."""
        if self._keep is not None:
            self._keep.close()
