"""Where the pclntab of a Go binary lies: in a section of its own, or somewhere inside another one.

Go's own linker gives the table a section. A C linker that makes a position-independent program or
a shared library of Go code merges it into the read-only data that needs relocation, where nothing
but its header tells where it begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from harness.errors import InputRejected
from harness.symbols.elf import ElfFile
from harness.symbols.go.pclntab import MAGICS, PcLineTable
from harness.symbols.sections import Section

STAGE = "extraction"

_OWN = (".gopclntab", ".data.rel.ro.gopclntab")
_MERGED = (".data.rel.ro", ".rodata")
_STEP_BYTES = 64 * 1024
_HEADER_BYTES = 8
_SAMPLE = 16
_NO_TEXT = "\ufffd"


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
    order: Literal["little", "big"] = "little" if elf.little_endian else "big"
    magics = b"|".join(re.escape(magic.to_bytes(4, order)) for magic in MAGICS)
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
