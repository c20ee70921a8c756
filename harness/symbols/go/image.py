"""Where things lie in a Go binary: sections by address, the runtime's module data, the pclntab.

The linker writes one `runtime.moduledata` record into writable data. Its first word points to the
pclntab header, which is how it is found without symbols; its text bounds stand at a fixed index.
The base of function data (`go:func.*`) moved as fields were added, so each known place is tried.
Some linkers leave the pointers of a position-independent binary to the loader: zero in the record,
and their values in the relocations.

Go's own linker gives the pclntab a section. A C linker that makes a position-independent program or
a shared library of Go code merges it into the read-only data that needs relocation, where nothing
but its header tells where it begins.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from harness.errors import InputRejected
from harness.symbols.elf import ElfFile
from harness.symbols.go.pclntab import MAGICS, PcLineTable
from harness.symbols.sections import Section

STAGE = "extraction"

_SECTIONS = (".go.module", ".noptrdata", ".data", ".data.rel.ro")
_RELOCATIONS = (".rela.dyn", ".rela")
_RELOCATION_BYTES = 24
_STEP_BYTES = 64 * 1024
_MOST_STARTS = 16  # each costs a look at all relocations, and hardly anything points to the header
_MIN_PC, _MAX_PC, _TEXT, _END_TEXT = 20, 21, 22, 23
# Index of `gofunc` in words: Go 1.27, 1.26, 1.20 to 1.25, 1.18 to 1.19.
_GOFUNC_PLACES = (43, 42, 41, 40, 38)
_WORDS = max(_GOFUNC_PLACES) + 1

_OWN = (".gopclntab", ".data.rel.ro.gopclntab")
_MERGED = (".data.rel.ro", ".rodata")
_HEADER_BYTES = 8
_SAMPLE = 16
_NO_TEXT = "\ufffd"


class Image:
    """The loaded sections of an ELF file, read by virtual address."""

    __slots__ = ("_sections", "order", "pointer_size")

    def __init__(self, elf: ElfFile) -> None:
        self.pointer_size = elf.address_size
        self.order = elf.order
        loaded = [
            elf.section(name) for name in elf.names() if not name.startswith((".debug", ".z"))
        ]
        self._sections = [section for section in loaded if section is not None and section.address]

    def find(self, address: int) -> Section | None:
        """Return the section that holds the address."""
        for section in self._sections:
            if section.address <= address < section.address + section.size:
                return section
        return None

    def read(self, address: int, size: int) -> bytes:
        """Return bytes at an address.

        Raises:
            InputRejected: No section holds the range.
        """
        section = self.find(address)
        if section is None:
            raise InputRejected(f"no section holds address {address:#x}")
        return section.read(address - section.address, size)

    def sections(self, names: tuple[str, ...]) -> list[Section]:
        """Return the sections of these names that exist, in the order asked for."""
        by_name = {section.name: section for section in self._sections}
        return [by_name[name] for name in names if name in by_name]


@dataclass(frozen=True, slots=True)
class ModuleData:
    """Bounds of the text, and the addresses that may be the base of function data."""

    text: int
    text_end: int
    function_data: tuple[int, ...]


def find_module_data(
    image: Image, header_address: int, check_time: Callable[[], None]
) -> ModuleData | None:
    """Return the module data that points to this pclntab header, or None."""
    for words in chain(_iter_stored(image, header_address), _iter_relocated(image, header_address)):
        check_time()
        found = _parse(image, words)
        if found is not None:
            return found
    return None


def _iter_stored(image: Image, header_address: int) -> Iterator[tuple[int, ...]]:
    """Yield the words from each place on that points to the header."""
    size = image.pointer_size
    for section in image.sections(_SECTIONS):
        for offset in _iter_words(section, header_address, image):
            raw = section.window(offset, _WORDS * size)
            yield struct.unpack_from(_code(image, len(raw) // size), raw)


def _iter_relocated(image: Image, header_address: int) -> Iterator[tuple[int, ...]]:
    """Yield the words that the loader would put there; those that it would leave alone are 0."""
    if image.pointer_size != 8:
        return  # other relocations, whose values stand in the record
    for section in image.sections(_RELOCATIONS):
        starts = (at for at, value in _iter_values(section, image) if value == header_address)
        for start in islice(starts, _MOST_STARTS):
            words = [0] * _WORDS
            for at, value in _iter_values(section, image):
                place, rest = divmod(at - start, 8)
                if 0 <= place < _WORDS and not rest:
                    words[place] = value
            yield tuple(words)


def _iter_values(section: Section, image: Image) -> Iterator[tuple[int, int]]:
    """Yield address and value of each relocation."""
    entry = struct.Struct(_code(image, 3))
    step = _RELOCATION_BYTES * 1024
    for start in range(0, section.size - section.size % _RELOCATION_BYTES, step):
        data = section.window(start, step)
        for place in range(0, len(data) - _RELOCATION_BYTES + 1, _RELOCATION_BYTES):
            at, _, value = entry.unpack_from(data, place)
            yield at, value


def _code(image: Image, count: int) -> str:
    """Return how to unpack pointer-sized numbers."""
    return ("<" if image.order == "little" else ">") + (
        "Q" if image.pointer_size == 8 else "I"
    ) * count


def _iter_words(section: Section, value: int, image: Image) -> Iterator[int]:
    """Yield the aligned offsets at which a section holds the pointer-sized value."""
    size = image.pointer_size
    found = section.iter_found(value.to_bytes(size, image.order))
    return (offset for offset in found if offset % size == 0)


def _parse(image: Image, words: tuple[int, ...]) -> ModuleData | None:
    count = len(words)
    if count <= _END_TEXT:
        return None
    text, end = words[_TEXT], words[_END_TEXT]
    # Some other record may point to the header too; only module data bounds its PCs by its text.
    if not text <= words[_MIN_PC] < words[_MAX_PC] <= end:
        return None
    places = [words[index] for index in _GOFUNC_PLACES if index < count]
    return ModuleData(text, end, tuple(place for place in places if image.find(place)))


def find_line_table(elf: ElfFile) -> Section:
    """Return the pclntab as a section that begins with it; a merged one ends with its host.

    Raises:
        InputRejected: There is none.
    """
    for name in _OWN:
        section = elf.section(name)
        if section is not None:
            return section
    for name in _MERGED:
        host = elf.section(name)
        if host is None:
            continue
        for offset in _iter_headers(host, elf):
            elf.budget.check_time()
            table = host.rest(offset)
            if _holds_functions(table):
                return table
    raise InputRejected(
        "no pclntab: neither a section of that name nor a table in .data.rel.ro or .rodata",
        file=elf.path,
        remedy="name what Go's toolchain linked, not a file of debugging information alone",
    )


def _iter_headers(section: Section, elf: ElfFile) -> Iterator[int]:
    """Yield the aligned offsets of whatever looks like the first eight bytes of a table."""
    header = _header_pattern(elf)
    # A header can lie across the end of a window, but not be found in two.
    for start in range(0, section.size, _STEP_BYTES):
        data = section.window(start, _STEP_BYTES + _HEADER_BYTES - 1)
        for found in header.finditer(data):
            offset = start + found.start()
            if (section.address + offset) % elf.address_size == 0:
                yield offset


def _header_pattern(elf: ElfFile) -> re.Pattern[bytes]:
    """Return what matches magic, two zeros, instruction size and this file's pointer size."""
    magics = b"|".join(re.escape(magic.to_bytes(4, elf.order)) for magic in MAGICS)
    return re.compile(b"(?:%b)\0\0[\1\2\4]%c" % (magics, elf.address_size), re.DOTALL)


def _holds_functions(table: Section) -> bool:
    """Tell whether functions can be read from it, ascending, and with names where names begin."""
    try:
        lines = PcLineTable(table)
        sample = list(lines.sample(_SAMPLE))
        named = all(_is_name(lines, found.name_offset) for found in sample)
    except InputRejected:
        return False
    entries = [found.entry for found in sample]
    return bool(entries) and named and entries == sorted(entries)


def _is_name(lines: PcLineTable, offset: int) -> bool:
    # The first name has none before it that would tell where it begins.
    if offset and not lines.is_name(offset):
        return False
    name = lines.name(offset)
    return name != "" and name.isprintable() and _NO_TEXT not in name
