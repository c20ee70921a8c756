"""The reader meets every entry that an independent tool counts, in real binaries of every kind."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Walk
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile
from harness.tests.symbols.binaries import BINARIES, counted, name_of

# Types of DWARF 4 have units of their own in .debug_types, which extraction does not read.
IN_DEBUG_INFO = [path for path in BINARIES if path.name != "types4.so"]


@pytest.mark.parametrize("path", IN_DEBUG_INFO, ids=name_of)
def test_units_entries_functions_parameters_and_variables_are_all_met(path: Path) -> None:
    expected = counted(path)
    tags: Counter[int] = Counter()
    named = units = 0
    with ElfFile(str(path)) as elf:
        for unit in Dwarf(elf).iter_units():
            units += 1
            for die in Walk(unit, unit.first):
                tags[die.tag] += 1
                named += die.tag == dw.TAG_SUBPROGRAM and dw.AT_NAME in die.attributes
    assert {
        "units": units,
        "dies": sum(tags.values()),
        "named_subprograms": named,
        "formal_parameters": tags[dw.TAG_FORMAL_PARAMETER],
        "variables": tags[dw.TAG_VARIABLE],
    } == {
        key: expected[key]
        for key in ("units", "dies", "named_subprograms", "formal_parameters", "variables")
    }
