"""The line sequence of the function at address 0, where discarded ones claim that place as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Walk
from harness.symbols.native.chains import follow

if TYPE_CHECKING:
    from harness.symbols.dwarf.lines import LineTable
    from harness.symbols.dwarf.units import Unit

STAGE = "extraction"

_FUNCTIONS = frozenset((dw.TAG_SUBPROGRAM,))


def drop_discarded(unit: Unit, table: LineTable) -> None:
    """Leave, of the sequences that begin at such an address, the one of the function there."""
    low = unit.dwarf.elf.low_functions
    lines: dict[int, int | None] = dict.fromkeys(low.names)
    for die in Walk(unit, unit.first, _FUNCTIONS, unit.aside):
        address = unit.address(die.attributes)
        if address is None or address not in lines:
            continue
        found = follow(unit, die.offset, die.attributes).found
        if not low.is_discarded(address, names_of(unit, found)):
            lines[address] = found.get(dw.AT_DECL_LINE, 0)
    for address, line in lines.items():
        table.keep_one(address, line)


def names_of(unit: Unit, found: dict[int, Any]) -> tuple[str, ...]:
    """Return by what names a symbol table may know a function."""
    keys = (dw.AT_NAME, dw.AT_LINKAGE_NAME, dw.AT_MIPS_LINKAGE_NAME)
    return tuple(unit.text(found[key]) for key in keys if key in found)
