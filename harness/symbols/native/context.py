"""What the extraction of one unit needs to know, alive only while it lasts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.linehead import FileTable
from harness.symbols.native.index import UnitIndex
from harness.symbols.native.reader import UnitReader, follow
from harness.symbols.native.typenames import TypeNames

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit
    from harness.symbols.instances import StoredInstances
    from harness.symbols.native.signed import SignedTypes

STAGE = "extraction"

FULL = "symbol beyond the limit of text in one scope"
NAMELESS = "type without a name"


class TypeContext:
    """One unit with its index and type names."""

    def __init__(self, unit: Unit, skipped: Counter[str], signed: SignedTypes) -> None:
        self.unit = unit
        self.skipped = skipped
        self.signed = signed
        self.index = UnitIndex(unit, skipped)
        self.types = TypeNames(unit, self.index, skipped, signed)
        self._room = 0

    def count_nameless(self) -> None:
        """Count the types without a name; who makes them part of another type takes one back."""
        nameless = self.index.unnamed.without_typedef
        if nameless:
            self.skipped[NAMELESS] += nameless

    def settle_nameless(self) -> None:
        """Leave no count of none behind."""
        if self.skipped.get(NAMELESS, 1) <= 0:
            del self.skipped[NAMELESS]

    def open_scope(self) -> None:
        """Begin a child of the package, which has room for the limit's worth of text."""
        self._room = self.unit.dwarf.elf.limits.scope_chars

    def has_room(self, name: str, spelled: str = "") -> bool:
        """Take room for a symbol in the child last begun; one that finds none is counted."""
        self._room -= len(name) + len(spelled)
        if self._room >= 0:
            return True
        self.skipped[FULL] += 1
        return False


class Identity(NamedTuple):
    """Who a function is, gathered along its abstract origin and specification."""

    name: str
    linkage_name: str
    parent: str
    is_method: bool
    file: str
    line: int


class UnitContext(TypeContext, UnitReader):
    """One unit with its index, files, lines and type names.

    Args:
        unit: The unit.
        skipped: Counts what is left out, by reason.
        signed: The types that stand in units of their own.
        foreign: What other units' instances say; None if nobody asked them.
        strict: Whether only plain places count as available.
    """

    def __init__(
        self,
        unit: Unit,
        skipped: Counter[str],
        signed: SignedTypes,
        foreign: StoredInstances | None,
        *,
        strict: bool,
    ) -> None:
        TypeContext.__init__(self, unit, skipped, signed)
        UnitReader.__init__(self, unit, skipped, strict)
        self.foreign = foreign
        for reason, count in self.index.dropped(foreign_too=foreign is None):
            self.skipped[reason] += count

    def identify(self, offset: int, attributes: dict[int, Any]) -> Identity:
        """Follow origin and specification from a function to its declaration.

        The parent is that of the declaration. Chains that cross units name what they can.
        """
        chain = follow(self.unit, offset, attributes)
        found, unit = chain.found, chain.unit
        parent, is_method = self.index.parent_of(chain.offset) if unit is self.unit else ("", False)
        linkage = found.get(dw.AT_LINKAGE_NAME, found.get(dw.AT_MIPS_LINKAGE_NAME))
        return Identity(
            name=unit.text(found.get(dw.AT_NAME)),
            linkage_name=unit.text(linkage),
            parent=parent,
            is_method=is_method,
            file=self._file(chain.named_in, found.get(dw.AT_DECL_FILE)),
            line=found.get(dw.AT_DECL_LINE, 0),
        )

    def _file(self, unit: Unit, number: int | None) -> str:
        """Return a file by its number, which means something only in the unit that says it."""
        if number is None:
            return ""
        files = self.files if unit is self.unit else FileTable(unit)
        return files.path(number)
