"""ELF headers: what a file says of itself and of its sections.

pyelftools lays out the headers; finding and judging them is done here. Its own way into a file
reads every section name to its end, however long, and tells damage by a dozen exceptions that name
no place.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from elftools.elf.constants import SH_FLAGS
from elftools.elf.structs import ELFStructs

from harness.errors import InputRejected
from harness.symbols import formats
from harness.symbols.sections import Section

STAGE = "extraction"

_MAGIC = b"\x7fELF"
_IDENT_BYTES = 16
_CLASSES = {1: 32, 2: 64}
_ORDERS = {1: True, 2: False}
_NUMBER_ELSEWHERE = 0xFFFF
_MOST_SECTIONS = 65_536
_MOST_NAME_BYTES = 64
_READ_BY_NAME = (".debug_", ".zdebug_", ".gnu_debuglink", ".gnu_debugaltlink", ".note.gnu.build-id")
_READ_TO_RELOCATE = (".rel.debug_", ".rela.debug_", ".symtab")
_IN_PIECES = (".debug_info", ".debug_types")
PIECE = "#"
"""What stands between the name of a section and its number, where there are several."""

SYMBOLS = (".symtab", ".strtab")
_FIRST_ADDRESS = 0x1000
_MOST_ADDRESS = (1 << 64) - 1


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
    machine: str
    addresses: Sequence[int]


class _Layout:
    """What the sections of an object file lack: addresses, and names of their own.

    Addresses come one after the other, so that no two functions have one in common. Sections in a
    group hold a type unit each and share a name: all but the first one outside of a group get their
    number behind it, and so do the relocations for each.
    """

    def __init__(self) -> None:
        self.addresses = array("Q")
        self._next = _FIRST_ADDRESS
        self._met: set[str] = set()
        self._numbers: set[int] = set()

    def name(self, name: str, number: int, section: Any) -> str:
        """Return under what name a section is kept."""
        if section["sh_type"] in ("SHT_REL", "SHT_RELA"):
            number = section["sh_info"]
            return f"{name}{PIECE}{number}" if number in self._numbers else name
        if not name.startswith(_IN_PIECES):
            return name
        if name not in self._met and not section["sh_flags"] & SH_FLAGS.SHF_GROUP:
            self._met.add(name)
            return name
        self._numbers.add(number)
        return f"{name}{PIECE}{number}"

    def place(self, section: Any) -> int:
        """Return the address of the next section: 0 for one that is not loaded."""
        if not section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
            self.addresses.append(0)
            return 0
        align = max(section["sh_addralign"], 1)
        address: int = (self._next + align - 1) // align * align & _MOST_ADDRESS
        self.addresses.append(address)
        self._next = address + section["sh_size"]
        return address


def read_headers(file: Section, also: Sequence[str] = ()) -> Headers:
    """Read the headers of a file, given as one section that holds all of it.

    Sections without an address are kept only if they hold code or debugging information or are
    named in `also`, and names are cut at a bound: a file can say of 65,536 sections that each has
    the same long name.

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
    layout = _Layout() if header["e_type"] == "ET_REL" else None
    return Headers(
        little_endian=structs.little_endian,
        address_size=structs.elfclass // 8,
        relocatable=layout is not None,
        sections=dict(_iter_sections(file, header, structs, layout, also))
        if header["e_shoff"]
        else {},
        machine=str(header["e_machine"]),
        addresses=layout.addresses if layout else (),
    )


def _iter_sections(
    file: Section, header: Any, structs: ELFStructs, layout: _Layout | None, also: Sequence[str]
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
        if layout is not None:
            section["sh_addr"] = layout.place(section)
            name = layout.name(name, number, section)
        if name in also or _is_read(name, section, relocatable=layout is not None):
            yield name, _kept(section)


def _is_read(name: str, section: Any, *, relocatable: bool) -> bool:
    """Tell whether anybody may ask for a section."""
    if section["sh_addr"] or _is_code(section) or name.startswith(_READ_BY_NAME):
        return True
    return relocatable and name.startswith(_READ_TO_RELOCATE)


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
