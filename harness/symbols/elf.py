"""Open an ELF file: its sections by name, its bytes through bounded windows."""

from __future__ import annotations

import os
from stat import S_ISREG
from types import TracebackType
from typing import IO, Self

from harness.config import Limits
from harness.errors import InputRejected
from harness.symbols.headers import ByteOrder, read_headers
from harness.symbols.limits import Budget, beyond
from harness.symbols.packed import Packing, elf_packing, gnu_packing, inflate
from harness.symbols.sections import Section

STAGE = "extraction"


class ElfFile:
    """An open ELF file and its sections, decompressed on first use.

    Attributes:
        path: As it was given.
        limits: How far a reader follows the file.
        budget: What reading it has taken so far.
        unit: Where the unit begins that was opened last, for whoever reports damage.
        dead_starts: Addresses that stand for code which a linker discarded: 0 and 1, unless code is
            there.

    Raises:
        InputRejected: Not an ELF file, or its headers are damaged.
        OSError: The file cannot be opened.
    """

    def __init__(self, path: str, limits: Limits | None = None) -> None:
        self.path = path
        self.limits = limits or Limits()
        self.budget = Budget(self.limits)
        self.unit: int | None = None
        self._inflated_bytes = 0
        self._file: IO[bytes] = open(  # noqa: SIM115 - by close(); Path has no opener
            path, "rb", buffering=0, opener=_open_at_once
        )
        try:
            self._size = self._size_of_file()
            self._read_headers()
        except BaseException:
            self._file.close()
            raise

    def _size_of_file(self) -> int:
        state = os.fstat(self._file.fileno())
        if not S_ISREG(state.st_mode):
            raise InputRejected(
                "not a regular file", file=self.path, remedy="name a compiled binary"
            )
        return state.st_size

    def _read_headers(self) -> None:
        try:
            headers = read_headers(Section("", self._file.fileno(), 0, self._size))
        except InputRejected as error:
            raise error.placed(self.path) from None
        self.order: ByteOrder = "little" if headers.little_endian else "big"
        self.address_size = headers.address_size
        self.relocatable = headers.relocatable
        self._headers = headers.sections
        self.dead_starts = frozenset(mark for mark in (0, 1) if not self._has_code_at(mark))
        self._open: dict[str, Section] = {}

    def _has_code_at(self, address: int) -> bool:
        return any(
            section.executable and section.address <= address < section.address + section.size
            for section in self._headers.values()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and drop the inflated sections."""
        for section in self._open.values():
            section.release()
        self._open.clear()
        self._file.close()

    def names(self) -> list[str]:
        """Return the names of all sections, as in the file."""
        return list(self._headers)

    def describes_itself(self) -> bool:
        """Tell whether debugging information is in the file, and not in one of its own."""
        return ".debug_info" in self._headers or ".zdebug_info" in self._headers

    def section(self, name: str) -> Section | None:
        """Return a section by name, inflated if need be; None if there is none with bytes in it.

        Asking for `.debug_x` also finds `.zdebug_x`.
        """
        if name not in self._open:
            try:
                found = self._load(name)
            except InputRejected as error:
                raise error.placed(self.path) from None
            if found is None:
                return None
            self._open[name] = found
        return self._open[name]

    def _load(self, name: str) -> Section | None:
        header = self._headers.get(name)
        gnu = header is None and name.startswith(".debug_")
        if gnu:
            header = self._headers.get(f".z{name[1:]}")
        if header is None or header.nobits:
            return None
        if header.offset + header.size > self._size:
            at = max(self._size - header.offset, 0)
            raise InputRejected("the file ends inside the section", section=name, offset=at)
        found = Section(name, self._file.fileno(), header.offset, header.size, header.address)
        if gnu:
            return self._inflate(found, gnu_packing(found))
        if header.compressed:
            wide = self.address_size == 8
            return self._inflate(found, elf_packing(found, self.order, wide=wide))
        return found

    def _inflate(self, packed: Section, packing: Packing) -> Section:
        self._inflated_bytes += packing.size
        most = self.limits.inflated_bytes
        if self._inflated_bytes > most:
            reason = f"compressed sections inflate to more than {most} bytes"
            raise beyond("inflated_bytes", most, reason, section=packed.name, offset=0)
        return inflate(packed, packing, self.budget.check_time)


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; a pipe too, which otherwise waits for somebody to write into it."""
    return os.open(path, flags | os.O_NONBLOCK)
