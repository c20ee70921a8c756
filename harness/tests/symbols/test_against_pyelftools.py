"""The fast reader returns what pyelftools returns, entry by entry and attribute by attribute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.elf.elffile import ELFFile

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.abbrev import wanted_of
from harness.symbols.dwarf.dies import Die, Walk, iter_children, read_die
from harness.symbols.dwarf.lines import read_lines
from harness.symbols.dwarf.lists import pc_ranges, read_places
from harness.symbols.dwarf.units import Dwarf, Unit
from harness.symbols.elf import ElfFile
from harness.tests.symbols import oracle
from harness.tests.symbols.binaries import BINARIES, name_of

_STRINGS = (dw.AT_NAME, dw.AT_LINKAGE_NAME, dw.AT_MIPS_LINKAGE_NAME, dw.AT_COMP_DIR,
            dw.AT_PRODUCER, dw.AT_DWO_NAME, dw.AT_GNU_DWO_NAME)  # fmt: skip

AT_0 = "at-0"  # what ends so has code where others have a mark; test_dead_code.py reads it

pytestmark = pytest.mark.parametrize("path", BINARIES, ids=name_of)


def _units(path: Path) -> Iterator[tuple[Unit, CompileUnit, DWARFInfo]]:
    """Yield each unit as both have it, and all that the other one has."""
    with path.open("rb") as file, ElfFile(str(path)) as elf:
        reference = ELFFile(file).get_dwarf_info()
        for unit, theirs in zip(Dwarf(elf).iter_units(), reference.iter_CUs(), strict=True):
            yield unit, theirs, reference


def _entries(path: Path) -> Iterator[tuple[Unit, Die, DIE, DWARFInfo]]:
    for unit, theirs, reference in _units(path):
        walk = Walk(unit, unit.first)
        for die, entry in zip(walk, oracle.iter_entries(theirs), strict=True):
            yield unit, die, entry, reference


def _as_text(unit: Unit, attributes: dict[int, Any]) -> dict[int, Any]:
    return {
        key: unit.text(value) if key in _STRINGS else value for key, value in attributes.items()
    }


def test_every_entry_has_the_same_tag_offset_and_attributes(path: Path) -> None:
    for unit, die, entry, _ in _entries(path):
        tag = oracle.tag_number(entry)
        assert (die.offset, die.tag) == (entry.offset, tag)
        assert _as_text(unit, die.attributes) == oracle.expected(entry, wanted_of(tag))
        assert read_die(unit, die.offset).attributes == die.attributes


def test_children_are_those_of_pyelftools_with_and_without_siblings(path: Path) -> None:
    for unit, _, entry, _ in _entries(path):
        found = [child.offset for child in iter_children(unit, entry.offset)]
        assert found == [child.offset for child in entry.iter_children()]


def test_ranges_and_locations_are_those_of_pyelftools(path: Path) -> None:
    for unit, die, entry, reference in _entries(path):
        ranges = oracle.expected_ranges(reference, entry)
        if ranges is not None and not path.name.endswith(AT_0):
            assert pc_ranges(unit, die.attributes) == ranges
        if die.tag in (dw.TAG_VARIABLE, dw.TAG_FORMAL_PARAMETER):
            places = zip(*read_places(unit, die.attributes), strict=True)
            found = [(low, high, expression) for (low, high), expression in places]
            assert found == oracle.expected_locations(reference, entry)


def test_line_rows_are_those_of_pyelftools(path: Path) -> None:
    for unit, theirs, reference in _units(path):
        table = read_lines(unit)
        if not path.name.endswith(AT_0):
            rows = list(zip(table.addresses, table.lines, table.files, strict=True))
            assert rows == oracle.expected_rows(reference, theirs)
