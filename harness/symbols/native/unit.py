"""What the extraction of one compilation unit needs to know, alive only while it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import ELSEWHERE
from harness.symbols.dwarf.dies import read_die
from harness.symbols.dwarf.linehead import FileTable
from harness.symbols.dwarf.lines import LineTable, read_lines
from harness.symbols.native.index import UnitIndex
from harness.symbols.native.typenames import TypeNames

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit

_LONGEST_CHAIN = 32


class Identity(NamedTuple):
    """Who a function is, gathered along its abstract origin and specification."""

    name: str
    linkage_name: str
    parent: str
    is_method: bool
    file: int
    line: int


class UnitContext:
    """One unit with its index, files, lines and type names."""

    def __init__(self, unit: Unit, skipped: dict[str, int], strict: bool) -> None:
        self.unit = unit
        self.strict = strict
        self.index = UnitIndex(unit)
        self.files = FileTable(unit)
        self.lines: LineTable = read_lines(unit)
        self.types = TypeNames(unit, self.index)
        self._skipped = skipped

    def skip(self, reason: str) -> None:
        """Count something that is left out."""
        self._skipped[reason] = self._skipped.get(reason, 0) + 1

    def identify(self, offset: int, attributes: dict[int, Any]) -> Identity:
        """Follow origin and specification from a function to its declaration.

        Each attribute is taken from the first entry of the chain that has it; the parent is that
        of the last entry, the declaration. Chains that cross units name what they can.
        """
        unit, found = self.unit, dict(attributes)
        seen = {offset}
        for _ in range(_LONGEST_CHAIN):
            step = attributes.get(dw.AT_ABSTRACT_ORIGIN, attributes.get(dw.AT_SPECIFICATION))
            if step is None or step == ELSEWHERE or step in seen:
                break
            seen.add(step)
            offset = step
            if not unit.first <= offset < unit.end:
                unit = unit.dwarf.unit_of(offset)
            attributes = read_die(unit, offset).attributes
            found = attributes | found
        parent, is_method = self.index.parent_of(offset) if unit is self.unit else ("", False)
        linkage = found.get(dw.AT_LINKAGE_NAME, found.get(dw.AT_MIPS_LINKAGE_NAME))
        return Identity(
            name=unit.text(found.get(dw.AT_NAME)),
            linkage_name=unit.text(linkage),
            parent=parent,
            is_method=is_method,
            file=found.get(dw.AT_DECL_FILE, 0),
            line=found.get(dw.AT_DECL_LINE, 0),
        )
