"""Line programs as no compiler at hand writes them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from harness.errors import InputRejected
from harness.symbols.dwarf.lines import LineTable, read_lines
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile
from harness.tests.symbols.crafted import uleb
from harness.tests.symbols.go.elf_writer import write_elf

# One childless unit in C, whose line program is at offset 0.
ABBREVIATIONS = bytes((1, 0x11, 0, 0x10, 0x17, 0x13, 0x0B, 0, 0, 0))
UNIT = bytes((4, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0, 0, 0x0C))
OPERANDS = bytes((0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1))
TABLES = bytes((1, 1, 1, 251, 14, 13)) + OPERANDS + b"\0" + b"a.c\0\0\0\0" + b"\0"
NEXT = bytes((13 + 5 + 1 + 14,))  # one address and one line further, and a row
END = bytes((0, 1, 1))


def at(address: int) -> bytes:
    return bytes((0, 9, 2)) + address.to_bytes(8, "little")


def read_program(folder: Path, program: bytes, tables: bytes = TABLES) -> LineTable:
    rest = struct.pack("<HI", 4, len(tables)) + tables + program
    sections = [
        (".debug_abbrev", 0, ABBREVIATIONS),
        (".debug_info", 0, len(UNIT).to_bytes(4, "little") + UNIT),
        (".debug_line", 0, len(rest).to_bytes(4, "little") + rest),
    ]
    with ElfFile(str(write_elf(folder / "program", sections))) as elf:
        (unit,) = Dwarf(elf).iter_units()
        return read_lines(unit)


def test_rows_are_sorted_where_a_sequence_goes_back(tmp_path: Path) -> None:
    program = at(0x200) + NEXT * 3 + at(0x100) + NEXT * 2 + at(0x150) + NEXT + END
    table = read_program(tmp_path, program + at(0x300) + NEXT + END)
    assert [*zip(table.addresses, table.lines, strict=True)] == [
        (0x101, 5), (0x102, 6), (0x151, 7), (0x201, 2), (0x202, 3), (0x203, 4), (0x301, 2),
    ]  # fmt: skip
    assert list(table.iter_slices(0x102, 0x202)) == [slice(1, 4)]


def test_rows_at_one_address_keep_their_order(tmp_path: Path) -> None:
    program = at(0x200) + NEXT + at(0x100) + NEXT + at(0x100) + NEXT + at(0x100) + NEXT + END
    table = read_program(tmp_path, program)
    assert [*zip(table.addresses, table.lines, strict=True)] == [
        (0x101, 3), (0x101, 4), (0x101, 5), (0x201, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (bytes((1, 1, 1, 251, 0, 13)) + OPERANDS + bytes(3), "that divides by zero"),
        (bytes((1, 1, 1, 251, 14, 0)) + OPERANDS + bytes(3), "that divides by zero"),
        (TABLES[:20] + b"without end", "whose tables run over"),
        (TABLES[:18] + b"directory without end", "whose tables run over"),
    ],
    ids=["line range", "opcode base", "file", "directory"],
)
def test_a_damaged_header_is_refused_in_plain_words(
    tmp_path: Path, tables: bytes, said: str
) -> None:
    with pytest.raises(InputRejected, match=f"a line header {said}"):
        read_program(tmp_path, END, tables)


def test_more_files_than_two_octets_can_number_are_told_apart(tmp_path: Path) -> None:
    """The columns of a table are widened once they have to be."""
    program = at(0x100) + NEXT + b"\x04" + uleb(70_000) + NEXT + b"\x04\x01" + NEXT + END
    assert [*read_program(tmp_path, program).files] == [1, 70_000, 1]
