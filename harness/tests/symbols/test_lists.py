"""Every kind of entry that a range list or a location list can have says what the standard says."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.config import Limits
from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.lists import pc_ranges, read_places
from harness.symbols.dwarf.units import Dwarf, Unit
from harness.symbols.elf import ElfFile
from harness.tests.symbols.crafted import ABBREVIATIONS, C, elf_of, sized, uleb, unit_of

HEADER = struct.pack("<HBBI", 5, 8, 0, 0)  # of a table without offsets
ADDRESSES = sized(struct.pack("<HBBQQ", 5, 8, 0, 0x1000, 0x2000))
EXPRESSION = b"\x50"


def pair(first: int, second: int) -> bytes:
    return uleb(first) + uleb(second)


def whole(*addresses: int) -> bytes:
    return struct.pack(f"<{len(addresses)}Q", *addresses)


Entry = tuple[int, bytes]
"""The number of a kind, and what follows it."""
Cases = dict[str, tuple[list[Entry], tuple[int, int]]]
"""Entries, the last of which means this range."""

ENTRIES: Cases = {
    "base_addressx, offset_pair": ([(1, uleb(1)), (4, pair(1, 0x300))], (0x2001, 0x2300)),
    "startx_endx": ([(2, pair(0, 1))], (0x1000, 0x2000)),
    "startx_length": ([(3, pair(1, 0x10))], (0x2000, 0x2010)),
    "offset_pair": ([(4, pair(0x4000, 0x123456))], (0x4000, 0x123456)),
    "base_address, offset_pair": ([(6, whole(0x3000)), (4, pair(0, 1))], (0x3000, 0x3001)),
    "start_end": ([(7, whole(0x3000, 0x3004))], (0x3000, 0x3004)),
    "start_length": ([(8, whole(0x3000) + uleb(5))], (0x3000, 0x3005)),
}
OF_LOCATIONS: Cases = {
    "default_location": ([(5, b"")], (0, 0)),
    "GNU_view_pair": ([(9, pair(1, 2)), (8, whole(0x3000) + uleb(5))], (0x3000, 0x3005)),
}
SPLIT: Cases = {
    "base": ([(1, uleb(1)), (4, struct.pack("<II", 1, 3))], (0x2001, 0x2003)),
    "start, end": ([(2, pair(0, 1))], (0x1000, 0x2000)),
    "start, length": ([(3, uleb(1) + struct.pack("<I", 0x10))], (0x2000, 0x2010)),
    "offsets": ([(4, struct.pack("<II", 0x10, 0x20))], (0x10, 0x20)),
}


def coded(entries: list[Entry]) -> bytes:
    return b"".join(bytes((number,)) + rest for number, rest in entries)


@contextmanager
def unit_with(
    folder: Path, name: str, content: bytes, limits: Limits | None = None
) -> Iterator[Unit]:
    file = folder / "lists.so"
    file.write_bytes(
        elf_of(
            (
                (".debug_info", unit_of(C)),
                (".debug_abbrev", ABBREVIATIONS),
                (".debug_addr", ADDRESSES),
                (name, content),
            )
        )
    )
    with ElfFile(str(file), limits) as elf:
        yield next(Dwarf(elf).iter_units())


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_entry_of_a_range_list_is_one_range(tmp_path: Path, kind: str) -> None:
    entries, expected = ENTRIES[kind]
    # Kinds above offset_pair have numbers that are one less than those of location lists.
    content = coded([(number - (number > 4), rest) for number, rest in entries]) + b"\0"
    with unit_with(tmp_path, ".debug_rnglists", sized(HEADER + content)) as unit:
        assert pc_ranges(unit, {dw.AT_RANGES: 12}) == [expected]


@pytest.mark.parametrize("kind", ENTRIES | OF_LOCATIONS)
def test_an_entry_of_a_location_list_is_a_range_with_its_expression(
    tmp_path: Path, kind: str
) -> None:
    entries, expected = (ENTRIES | OF_LOCATIONS)[kind]
    content = coded(entries) + uleb(len(EXPRESSION)) + EXPRESSION + b"\0"
    with unit_with(tmp_path, ".debug_loclists", sized(HEADER + content)) as unit:
        assert read_places(unit, {dw.AT_LOCATION_LIST: 12}) == ([expected], [EXPRESSION])


@pytest.mark.parametrize("kind", SPLIT)
def test_an_entry_of_a_split_location_list_is_a_range_with_its_expression(
    tmp_path: Path, kind: str
) -> None:
    """As GNU's tools have it before DWARF 5."""
    entries, expected = SPLIT[kind]
    content = coded(entries) + struct.pack("<H", len(EXPRESSION)) + EXPRESSION + b"\0"
    with unit_with(tmp_path, ".debug_loc", content) as unit:
        unit.has_split_lists = True
        assert read_places(unit, {dw.AT_LOCATION_LIST: 0}) == ([expected], [EXPRESSION])


@pytest.mark.parametrize(
    ("name", "entry", "split"),
    [
        (".debug_loclists", b"\x02\x00\x01\x01\x50", False),
        (".debug_loc", b"\x02\x00\x01\x01\x00\x50", True),
    ],
)
def test_a_list_with_too_many_entries_is_refused(
    tmp_path: Path, name: str, entry: bytes, split: bool
) -> None:
    content = entry * 6 + b"\0"
    content, at = (content, 0) if split else (sized(HEADER + content), 12)
    with unit_with(tmp_path, name, content, Limits(list_entries=5)) as unit:
        unit.has_split_lists = split
        with pytest.raises(InputRejected, match="more than 5 entries"):
            read_places(unit, {dw.AT_LOCATION_LIST: at})


def test_an_end_that_is_an_index_is_an_address(tmp_path: Path) -> None:
    with unit_with(tmp_path, ".debug_ranges", b"") as unit:
        code = {dw.AT_LOW_PC_INDEX: 0, dw.AT_HIGH_PC_INDEX: 1}
        assert pc_ranges(unit, code) == [(0x1000, 0x2000)]
