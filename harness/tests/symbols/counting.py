"""Count the entries that our reader meets, by the names that llvm-dwarfdump gives to tags."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from elftools.dwarf.enums import ENUM_DW_TAG

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Walk
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile

_NAMES = {number: str(name).removeprefix("DW_TAG_") for name, number in ENUM_DW_TAG.items()}
# Where pyelftools shortens what the standard spells out.
_NAMES |= {0x2F: "template_type_parameter", 0x30: "template_value_parameter"}


def count_entries(path: Path) -> dict[str, Any]:
    """Return what our reader counts in .debug_info, as the independent tool's counts have it."""
    tags: Counter[int] = Counter()
    named = units = 0
    with ElfFile(str(path)) as elf:
        for unit in Dwarf(elf).iter_units():
            units += 1
            for die in Walk(unit, unit.first):
                tags[die.tag] += 1
                named += die.tag == dw.TAG_SUBPROGRAM and dw.AT_NAME in die.attributes
    return {
        "units": units,
        "dies": tags.total(),
        "named_subprograms": named,
        "formal_parameters": tags[dw.TAG_FORMAL_PARAMETER],
        "variables": tags[dw.TAG_VARIABLE],
        "tags": {_NAMES.get(tag, f"unknown_{tag:x}"): count for tag, count in tags.items()},
    }
