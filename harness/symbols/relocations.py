"""Relocations of object files: debugging information before a linker has filled in its numbers.

References between sections and addresses of code are zeros in an object file, beside a list that
says of each of them which symbol it stands for. They are filled in where a copy of the section
lies; of the machines listed here, all that compilers use in debugging information is known. Where a
linker may still shorten the code, as on RISC-V, a difference is two relocations: plus and minus.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import IO, NamedTuple

from elftools.elf import enums

from harness.errors import InputRejected
from harness.symbols.headers import ByteOrder
from harness.symbols.packed import copy, spooled
from harness.symbols.sections import Section

STAGE = "extraction"

_MIPS = "EM_MIPS"
_RISCV = {
    "R_RISCV_NONE": 0, "R_RISCV_32": 1, "R_RISCV_64": 2, "R_RISCV_TLS_DTPREL32": 8,
    "R_RISCV_TLS_DTPREL64": 9, "R_RISCV_ADD8": 33, "R_RISCV_ADD16": 34, "R_RISCV_ADD32": 35,
    "R_RISCV_ADD64": 36, "R_RISCV_SUB8": 37, "R_RISCV_SUB16": 38, "R_RISCV_SUB32": 39,
    "R_RISCV_SUB64": 40, "R_RISCV_SET8": 54, "R_RISCV_SET16": 55, "R_RISCV_SET32": 56,
    "R_RISCV_SET_ULEB128": 60, "R_RISCV_SUB_ULEB128": 61,
}  # fmt: skip
"""What pyelftools does not list."""

_WIDTHS = {
    "EM_X86_64": (
        enums.ENUM_RELOC_TYPE_x64,
        {"R_X86_64_NONE": 0, "R_X86_64_64": 8, "R_X86_64_32": 4, "R_X86_64_32S": 4,
         "R_X86_64_DTPOFF64": 8, "R_X86_64_DTPOFF32": 4},
    ),
    "EM_AARCH64": (
        enums.ENUM_RELOC_TYPE_AARCH64,
        {"R_AARCH64_NONE": 0, "R_AARCH64_ABS64": 8, "R_AARCH64_ABS32": 4,
         "R_AARCH64_TLS_DTPREL64": 8},
    ),
    "EM_386": (
        enums.ENUM_RELOC_TYPE_i386,
        {"R_386_NONE": 0, "R_386_32": 4, "R_386_TLS_LDO_32": 4},
    ),
    "EM_ARM": (
        enums.ENUM_RELOC_TYPE_ARM,
        {"R_ARM_NONE": 0, "R_ARM_ABS32": 4, "R_ARM_TLS_LDO32": 4},
    ),
    "EM_PPC64": (
        enums.ENUM_RELOC_TYPE_PPC64,
        {"R_PPC64_NONE": 0, "R_PPC64_ADDR64": 8, "R_PPC64_ADDR32": 4, "R_PPC64_DTPREL64": 8},
    ),
    "EM_PPC": (
        enums.ENUM_RELOC_TYPE_PPC,
        {"R_PPC_NONE": 0, "R_PPC_ADDR32": 4},
    ),
    _MIPS: (
        enums.ENUM_RELOC_TYPE_MIPS,
        {"R_MIPS_NONE": 0, "R_MIPS_64": 8, "R_MIPS_32": 4, "R_MIPS_TLS_DTPREL64": 8,
         "R_MIPS_TLS_DTPREL32": 4},
    ),
    "EM_RISCV": (
        _RISCV,
        {"R_RISCV_NONE": 0, "R_RISCV_64": 8, "R_RISCV_32": 4, "R_RISCV_TLS_DTPREL64": 8,
         "R_RISCV_TLS_DTPREL32": 4, "R_RISCV_ADD8": 1, "R_RISCV_ADD16": 2, "R_RISCV_ADD32": 4,
         "R_RISCV_ADD64": 8, "R_RISCV_SUB8": 1, "R_RISCV_SUB16": 2, "R_RISCV_SUB32": 4,
         "R_RISCV_SUB64": 8, "R_RISCV_SET8": 1, "R_RISCV_SET16": 2, "R_RISCV_SET32": 4},
    ),
    "EM_S390": (
        enums.ENUM_RELOC_TYPE_S390X,
        {"R_390_NONE": 0, "R_390_64": 8, "R_390_32": 4, "R_390_TLS_LDO64": 8,
         "R_390_TLS_LDO32": 4},
    ),
}  # fmt: skip
"""By machine: what its relocations are called, and how many bytes those write that just add."""

_SIGNS = {name: -1 if "_SUB" in name else 1 for name in _RISCV if "ADD" in name or "SUB" in name}
"""What is added to, or taken from, the number that is there."""

_LINK = "link it into a library or program"
_AT_ONCE = 1024
_ABSOLUTE = 0xFFF1
_FUNCTION = 2


class Symbols:
    """The symbols of an object file, and where its sections were put."""

    def __init__(
        self, table: Section, addresses: Sequence[int], order: ByteOrder, *, wide: bool
    ) -> None:
        self._table = table
        self._addresses = addresses
        mark = "<" if order == "little" else ">"
        self._entry = struct.Struct(mark + ("IBBHQQ" if wide else "IIIBBH"))
        self._wide = wide

    def value(self, number: int) -> int:
        """Return the address that a symbol stands for; 0 for one of another file."""
        data, at = self._table.near(number * self._entry.size, self._entry.size)
        if self._wide:
            _, _, _, section, value, _ = self._entry.unpack_from(data, at)
        else:
            _, value, _, _, _, section = self._entry.unpack_from(data, at)
        if section < len(self._addresses):
            return int(value + self._addresses[section])
        return int(value) if section == _ABSOLUTE else 0

    def iter_functions(self) -> Iterator[tuple[int, int]]:
        """Yield where the name of each function is, and its value."""
        size = self._entry.size
        for start in range(0, self._table.size - size + 1, size * _AT_ONCE):
            whole = min(size * _AT_ONCE, self._table.size - start) // size * size
            for found in self._entry.iter_unpack(self._table.window(start, whole)):
                name, value, info, section = (
                    (found[0], found[4], found[1], found[3])
                    if self._wide
                    else (found[0], found[1], found[3], found[5])
                )
                if info & 0xF == _FUNCTION and section:
                    yield name, value


class Relocations(NamedTuple):
    """The list for one section; `machine` is called as pyelftools has it.

    If not `added`, the addend of each is where the number is to go.
    """

    entries: Section
    machine: str
    order: ByteOrder
    wide: bool
    added: bool


def relocate(
    section: Section, wanted: Relocations, symbols: Symbols, check_time: Callable[[], None]
) -> Section:
    """Return a copy of a section in which all relocations are applied.

    Raises:
        InputRejected: The machine or a type of relocation is not known.
    """
    widths = _widths_of(wanted)

    def fill(file: IO[bytes]) -> None:
        copy(section, file, check_time)
        file.flush()
        for number, (offset, info, addend) in enumerate(_iter_entries(wanted)):
            if number % _AT_ONCE == 0:
                check_time()
            kind, symbol = _parts(wanted, info)
            width, sign = widths.get(kind, (-1, 0))
            if width < 0 or offset + width > section.size:
                raise _unknown(wanted, kind, number)
            if width:
                keeps = sign or not wanted.added
                there = os.pread(file.fileno(), width, offset) if keeps else b""
                moved = (symbols.value(symbol) + addend) * (sign or 1)
                value = moved + int.from_bytes(there, wanted.order) & (1 << 8 * width) - 1
                os.pwrite(file.fileno(), value.to_bytes(width, wanted.order), offset)

    return spooled(section.name, fill, section.address)


def _parts(wanted: Relocations, info: int) -> tuple[int, int]:
    """Return the type of a relocation and the number of its symbol.

    64-bit MIPS has room for three types, and for them and the symbol an order of its own: that of
    a big-endian file, whatever the file's is.
    """
    if not wanted.wide:
        return info & 0xFF, info >> 8
    if wanted.machine == _MIPS and wanted.order == "little":
        return int.from_bytes((info >> 32).to_bytes(4, "little"), "big"), info & 0xFFFF_FFFF
    return info & 0xFFFF_FFFF, info >> 32


def _iter_entries(wanted: Relocations) -> Iterator[tuple[int, int, int]]:
    """Yield the offset, the number of the symbol with the type, and the addend of each."""
    mark, word = "<" if wanted.order == "little" else ">", "Q" if wanted.wide else "I"
    entry = struct.Struct(f"{mark}{word}{word}{word.lower() if wanted.added else ''}")
    entries, size = wanted.entries, entry.size * _AT_ONCE
    for start in range(0, entries.size - entries.size % entry.size, size):
        data = entries.window(start, min(size, entries.size - entries.size % entry.size - start))
        for found in entry.iter_unpack(data):
            yield found if wanted.added else (*found, 0)


def _widths_of(wanted: Relocations) -> dict[int, tuple[int, int]]:
    """Return how many bytes each type writes, and its sign if it changes the number there."""
    if wanted.machine not in _WIDTHS:
        reason = f"relocations of the machine {wanted.machine.removeprefix('EM_')} are not known"
        raise InputRejected(reason, section=wanted.entries.name, remedy=_LINK)
    numbers, widths = _WIDTHS[wanted.machine]
    return {numbers[name]: (width, _SIGNS.get(name, 0)) for name, width in widths.items()}


def _unknown(wanted: Relocations, kind: int, number: int) -> InputRejected:
    names, widths = _WIDTHS[wanted.machine]
    name = next((name for name, known in names.items() if known == kind), f"type {kind}")
    reason = f"relocation {number:,} is {name}, " + (
        "out of the section" if name in widths else "which is not known"
    )
    return InputRejected(reason, section=wanted.entries.name, remedy=_LINK)
