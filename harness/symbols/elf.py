"""Open an ELF file: its sections by name, its bytes through bounded windows.

pyelftools lays out the headers; finding and judging them is done here. Its own way into a file
reads every section name to its end, however long, and tells damage by a dozen exceptions that name
no place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from stat import S_ISREG
from types import TracebackType
from typing import IO, Any, Literal, NamedTuple, Self, TypeAlias

from elftools.elf.constants import SH_FLAGS
from elftools.elf.structs import ELFStructs

from harness.config import Limits
from harness.errors import InputRejected
from harness.symbols import formats
from harness.symbols.limits import Budget, beyond
from harness.symbols.sections import Section, inflate

STAGE = "extraction"

_MAGIC = b"\x7fELF"
_IDENT_BYTES = 16
_CLASSES = {1: 32, 2: 64}
_ORDERS = {1: True, 2: False}
_NUMBER_ELSEWHERE = 0xFFFF
_MOST_SECTIONS = 65_536
_MOST_NAME_BYTES = 64
_READ_BY_NAME = (".debug_", ".zdebug_", ".gnu_debuglink")


ByteOrder: TypeAlias = Literal["little", "big"]


class SectionHeader(NamedTuple):
    """What is kept of a section header."""

    offset: int
    size: int
    address: int
    nobits: bool
    compressed: bool
    executable: bool


class Headers(NamedTuple):
    """What an ELF file says of itself; of its sections, those that a reader may ask for."""

    little_endian: bool
    address_size: int
    relocatable: bool
    sections: dict[str, SectionHeader]


def read_headers(file: Section) -> Headers:
    """Read the headers of a file, given as one section that holds all of it.

    Sections without an address are kept only if they hold code or debugging information, and names
    are cut at a bound: a file can say of 65,536 sections that each has the same long name.

    Raises:
        InputRejected: It is not an ELF file, or what it says of itself cannot be.
    """
    ident = file.window(0, _IDENT_BYTES)
    if ident[:4] != _MAGIC:
        name, remedy = formats.named(ident)
        raise InputRejected(f"not an ELF file{name and f': {name}'}", remedy=remedy)
    if len(ident) < _IDENT_BYTES:
        raise _cut(file, "its ELF header")
    if ident[4] not in _CLASSES:
        raise InputRejected(f"ELF class {ident[4]} is neither 32 nor 64 bits", offset=4)
    if ident[5] not in _ORDERS:
        raise InputRejected(f"byte order {ident[5]} is neither little nor big endian", offset=5)
    structs = ELFStructs(little_endian=_ORDERS[ident[5]], elfclass=_CLASSES[ident[4]])
    structs.create_basic_structs()
    content = file.window(0, structs.Elf_Ehdr.sizeof())
    if len(content) < structs.Elf_Ehdr.sizeof():
        raise _cut(file, "its ELF header")
    header = structs.Elf_Ehdr.parse(content)
    structs.create_advanced_structs(e_machine=header["e_machine"])
    return Headers(
        little_endian=structs.little_endian,
        address_size=structs.elfclass // 8,
        relocatable=header["e_type"] == "ET_REL",
        sections=dict(_iter_sections(file, header, structs)) if header["e_shoff"] else {},
    )


def _iter_sections(
    file: Section, header: Any, structs: ELFStructs
) -> Iterator[tuple[str, SectionHeader]]:
    start, size = header["e_shoff"], structs.Elf_Shdr.sizeof()
    if header["e_shentsize"] != size:
        raise InputRejected(
            f"its section headers have {header['e_shentsize']} bytes each, {size} are needed",
            offset=start,
        )
    if start + size > file.size:
        raise _cut(file, f"its section headers, which begin at {start:#x}")
    first = structs.Elf_Shdr.parse(file.read(start, size))
    # A number that does not fit into the file header stands in the first section header.
    count = header["e_shnum"] or first["sh_size"]
    names_at = header["e_shstrndx"]
    if names_at == _NUMBER_ELSEWHERE:
        names_at = first["sh_link"]
    if count > _MOST_SECTIONS:
        raise InputRejected(f"more than {_MOST_SECTIONS:,} sections: {count:,}", offset=start)
    if start + count * size > file.size:
        raise _cut(file, f"its {count:,} section headers, which begin at {start:#x}")
    if names_at >= count:
        raise InputRejected(
            f"the names of its {count:,} sections are in number {names_at:,}", offset=start
        )
    names = _names(file, structs.Elf_Shdr.parse(file.read(start + names_at * size, size)))
    for number in range(count):
        data, at = file.near(start + number * size, size)
        section = structs.Elf_Shdr.parse(data[at : at + size])
        name = _name(names, section["sh_name"])
        if section["sh_addr"] or _is_code(section) or name.startswith(_READ_BY_NAME):
            yield name, _kept(section)


def _names(file: Section, section: Any) -> Section:
    names = file.part(".shstrtab", section["sh_offset"], section["sh_size"])
    if section["sh_offset"] + section["sh_size"] > file.size:
        raise _cut(file, f"its section names, which begin at {section['sh_offset']:#x}")
    return names


def _name(names: Section, offset: int) -> str:
    """Return a name as far as anybody would ask for it; one out of its section is empty."""
    if offset >= names.size:
        return ""
    return names.string(offset, _MOST_NAME_BYTES).decode("latin-1")


def _kept(section: Any) -> SectionHeader:
    return SectionHeader(
        offset=section["sh_offset"],
        size=section["sh_size"],
        address=section["sh_addr"],
        nobits=section["sh_type"] == "SHT_NOBITS",
        compressed=bool(section["sh_flags"] & SH_FLAGS.SHF_COMPRESSED),
        executable=_is_code(section),
    )


def _is_code(section: Any) -> bool:
    return bool(section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR)


def _cut(file: Section, what: str) -> InputRejected:
    return InputRejected(f"the file ends inside {what}", offset=file.size)


_ZDEBUG_HEADER_BYTES = 12
_ELFCOMPRESS_ZLIB, _ELFCOMPRESS_ZSTD = 1, 2


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
            found = self._load(name)
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
            raise InputRejected(
                "the file ends inside the section", file=self.path, section=name, offset=at
            )
        packed = Section(name, self._file.fileno(), header.offset, header.size, header.address)
        if gnu:
            return self._inflate_gnu(packed)
        return self._inflate_elf(packed) if header.compressed else packed

    def _inflate_gnu(self, packed: Section) -> Section:
        head = packed.read(0, _ZDEBUG_HEADER_BYTES)
        if head[:4] != b"ZLIB":
            raise InputRejected("no ZLIB header", file=self.path, section=packed.name, offset=0)
        size = int.from_bytes(head[4:], "big")
        return self._inflate(packed, _ZDEBUG_HEADER_BYTES, size)

    def _inflate_elf(self, packed: Section) -> Section:
        wide = self.address_size == 8
        head = packed.read(0, 24 if wide else 12)
        kind = int.from_bytes(head[:4], self.order)
        if kind != _ELFCOMPRESS_ZLIB:
            method = "zstd" if kind == _ELFCOMPRESS_ZSTD else f"method {kind}"
            raise InputRejected(
                f"compressed with {method}, only zlib is read",
                file=self.path,
                section=packed.name,
                offset=0,
                remedy="unpack it with `objcopy --decompress-debug-sections`",
            )
        size = int.from_bytes(head[8:16] if wide else head[4:8], self.order)
        return self._inflate(packed, len(head), size)

    def _inflate(self, packed: Section, header_bytes: int, size: int) -> Section:
        self._inflated_bytes += size
        most = self.limits.inflated_bytes
        if self._inflated_bytes > most:
            reason = f"compressed sections inflate to more than {most} bytes"
            raise beyond(
                "inflated_bytes", most, reason, file=self.path, section=packed.name, offset=0
            )
        return inflate(packed, header_bytes, size, self.budget.check_time)


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; a pipe too, which otherwise waits for somebody to write into it."""
    return os.open(path, flags | os.O_NONBLOCK)
