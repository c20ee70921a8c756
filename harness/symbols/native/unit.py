"""What the extraction of one compilation unit needs to know, alive only while it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import read_die
from harness.symbols.dwarf.linehead import FileTable
from harness.symbols.dwarf.lines import LineTable, read_lines
from harness.symbols.native.typecontext import SignedTypes, TypeContext

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit

_LONGEST_CHAIN = 32


class Identity(NamedTuple):
    """Who a function is, gathered along its abstract origin and specification."""

    name: str
    linkage_name: str
    parent: str
    is_method: bool
    file: str
    line: int


class UnitContext(TypeContext):
    """One unit with its index, files, lines and type names."""

    def __init__(
        self, unit: Unit, skipped: dict[str, int], signed: SignedTypes, *, strict: bool
    ) -> None:
        super().__init__(unit, skipped, signed)
        self.strict = strict
        self.files = FileTable(unit)
        self.lines: LineTable = read_lines(unit)
        self._numbers: tuple[str, frozenset[int]] = "", frozenset()

        if self.index.foreign_instances:
            self.skip("inlined instance of another unit's function", self.index.foreign_instances)

    def numbers_of(self, file: str) -> frozenset[int]:
        """Return the numbers by which the line table knows `file`: DWARF 5 often has two."""
        if self._numbers[0] != file:
            self._numbers = file, frozenset(self.files.numbers_of(file))
        return self._numbers[1]

    def identify(self, offset: int, attributes: dict[int, Any]) -> Identity:
        """Follow origin and specification from a function to its declaration.

        Each attribute is taken from the first entry of the chain that has it; the parent is that
        of the last entry, the declaration. Chains that cross units name what they can.
        """
        unit, found, named_in = self.unit, dict(attributes), self.unit
        seen = {offset}
        for _ in range(_LONGEST_CHAIN):
            step = attributes.get(dw.AT_ABSTRACT_ORIGIN, attributes.get(dw.AT_SPECIFICATION))
            if step is None or step < 0 or step in seen:
                break
            seen.add(step)
            offset = step
            if not unit.first <= offset < unit.end:
                unit = unit.dwarf.unit_of(offset)
            attributes = read_die(unit, offset).attributes
            if dw.AT_DECL_FILE not in found:
                named_in = unit
            found = attributes | found
        parent, is_method = self.index.parent_of(offset) if unit is self.unit else ("", False)
        linkage = found.get(dw.AT_LINKAGE_NAME, found.get(dw.AT_MIPS_LINKAGE_NAME))
        return Identity(
            name=unit.text(found.get(dw.AT_NAME)),
            linkage_name=unit.text(linkage),
            parent=parent,
            is_method=is_method,
            file=self._file(named_in, found.get(dw.AT_DECL_FILE)),
            line=found.get(dw.AT_DECL_LINE, 0),
        )

    def _file(self, unit: Unit, number: int | None) -> str:
        """Return a file by its number, which means something only in the unit that says it."""
        if number is None:
            return ""
        files = self.files if unit is self.unit else FileTable(unit)
        return files.path(number)
