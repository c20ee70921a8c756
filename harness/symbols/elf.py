"""Open an ELF file: its sections by name, its bytes through bounded windows."""

from __future__ import annotations

import os
from stat import S_ISREG
from types import TracebackType
from typing import IO, Self

from harness.config import Limits
from harness.errors import InputRejected
from harness.symbols.archive import Member
from harness.symbols.headers import PIECE, SYMBOLS, ByteOrder, Headers, read_headers
from harness.symbols.limits import ReadingBudget, beyond
from harness.symbols.lowcode import MARKS, LowFunctions, find_low_functions
from harness.symbols.packed import Packing, elf_packing, gnu_packing, inflate, joined
from harness.symbols.relocations import Relocations, Symbols, relocate
from harness.symbols.sections import Section

STAGE = "extraction"


class ElfFile:
    """An open ELF file and its sections, decompressed on first use.

    Attributes:
        path: As it was given; for a member of an archive, `lib.a(member.o)`.
        limits: How far a reader follows the file.
        budget: What reading it has taken so far.
        unit: Where the unit begins that was opened last, for whoever reports damage.
        dead_starts: Addresses that stand for code which a linker discarded: 0 and 1, unless code is
            there.
        low_functions: Which functions are there, in the rare file that has any.
        supplement: The file that has what this one has in common with others, if it was found.

    Raises:
        InputRejected: Not an ELF file, or its headers are damaged.
        OSError: The file cannot be opened.
    """

    supplement: ElfFile | None = None
    low_functions = LowFunctions()

    def __init__(
        self, path: str, limits: Limits | None = None, member: Member | None = None
    ) -> None:
        self.path = path if member is None else member.name
        self.limits = limits or Limits()
        self.budget = ReadingBudget(self.limits)
        self.unit: int | None = None
        self._inflated_bytes = 0
        self._file: IO[bytes] = open(  # noqa: SIM115 - by close(); Path has no opener
            path if member is None else member.path, "rb", buffering=0, opener=_open_at_once
        )
        try:
            size = self._size_of_file()
            self._start = 0 if member is None else member.start
            self._size = size if member is None or member.size is None else member.size
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
        whole = Section("", self._file.fileno(), self._start, self._size)
        try:
            headers = read_headers(whole)
        except InputRejected as error:
            raise error.placed(self.path) from None
        self.order: ByteOrder = "little" if headers.little_endian else "big"
        self.address_size = headers.address_size
        self.relocatable = headers.relocatable
        self._headers = headers.sections
        self._machine, self._addresses = headers.machine, headers.addresses
        self.dead_starts = frozenset(mark for mark in MARKS if not self._has_code_at(mark))
        self._open: dict[str, Section] = {}
        if len(self.dead_starts) < len(MARKS):
            self._read_low_functions(read_headers(whole, SYMBOLS))

    def _read_low_functions(self, headers: Headers) -> None:
        """Take for marks again where the symbol table has functions, but none."""
        self._headers = headers.sections
        symbols, strings = map(self.section, SYMBOLS)
        if symbols is None or strings is None:
            return
        table = Symbols(symbols, (), self.order, wide=self.address_size == 8)
        low = find_low_functions(table, strings, self._machine, self.budget.check_time)
        if low.known:
            self.low_functions = low
            self.dead_starts = frozenset(mark for mark in MARKS if mark not in low.names)

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
        if self.supplement is not None:
            self.supplement.close()

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
        """Return a section; of an object file, with all others of its name behind it."""
        pieces = [one for one in self._headers if one.startswith(f"{name}{PIECE}")]
        if not pieces:
            return self._load_piece(name)
        found = map(self._load_piece, (name, *pieces))
        return joined(name, filter(None, found), self.budget.check_time)

    def _load_piece(self, name: str) -> Section | None:
        header = self._headers.get(name)
        gnu = header is None and name.startswith(".debug_")
        if gnu:
            header = self._headers.get(f".z{name[1:]}")
        if header is None or header.nobits:
            return None
        if header.offset + header.size > self._size:
            at = max(self._size - header.offset, 0)
            raise InputRejected("the file ends inside the section", section=name, offset=at)
        # Nothing is added to 0: a number of its own for each section would be kept with it.
        start = self._start + header.offset if self._start else header.offset
        found = Section(name, self._file.fileno(), start, header.size, header.address)
        if gnu:
            found = self._inflate(found, gnu_packing(found))
        elif header.compressed:
            wide = self.address_size == 8
            found = self._inflate(found, elf_packing(found, self.order, wide=wide))
        return self._relocate(found) if self.relocatable else found

    def _relocate(self, section: Section) -> Section:
        """Return a section of an object file as a linker would leave it."""
        wide = self.address_size == 8
        for prefix in (".rel", ".rela") if section.name.startswith(".debug_") else ():
            entries = self._load_piece(f"{prefix}{section.name}")
            symbols = self.section(".symtab")
            if entries is not None and symbols is not None:
                wanted = Relocations(entries, self._machine, self.order, wide, prefix == ".rela")
                table = Symbols(symbols, self._addresses, self.order, wide=wide)
                return relocate(section, wanted, table, self.budget.check_time)
        return section

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
