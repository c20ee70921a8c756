"""What naming and building the types of a unit takes, and the types that have a unit each."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from harness.symbols.dwarf.decoder import SIGNATURE
from harness.symbols.native.index import UnitIndex
from harness.symbols.native.reader import UnitView
from harness.symbols.native.typenames import TypeNames

if TYPE_CHECKING:
    from harness.symbols.dwarf.typeunits import TypeUnits
    from harness.symbols.dwarf.units import Unit
    from harness.symbols.native.declarators import Declarator

STAGE = "extraction"

FULL = "symbol beyond the limit of text in one scope"
NAMELESS = "type without a name"
_CACHED_CONTEXTS = 8


class TypeContext(UnitView):
    """One unit with its index and type names."""

    def __init__(self, unit: Unit, skipped: dict[str, int], signed: SignedTypes) -> None:
        UnitView.__init__(self, unit, skipped)
        self.signed = signed
        self.index = UnitIndex(unit, skipped)
        self.types = TypeNames(unit, self.index, skipped, signed)
        self._room = 0

    def count_nameless(self) -> None:
        """Count the types without a name; who makes them part of another type takes one back."""
        nameless = self.index.unnamed.without_typedef
        if nameless:
            self.skip(NAMELESS, nameless)

    def settle_nameless(self) -> None:
        """Leave no count of none behind."""
        if self._skipped.get(NAMELESS, 1) <= 0:
            del self._skipped[NAMELESS]

    def open_scope(self) -> None:
        """Begin a child of the package, which has room for the limit's worth of text."""
        self._room = self.unit.dwarf.elf.limits.scope_chars

    def has_room(self, name: str, spelled: str = "") -> bool:
        """Take room for a symbol in the child last begun; one that finds none is counted."""
        self._room -= len(name) + len(spelled)
        if self._room >= 0:
            return True
        self.skip(FULL)
        return False


class SignedTypes:
    """The types of one file that stand in units of their own. The last few units are kept."""

    def __init__(self, units: TypeUnits, skipped: dict[str, int]) -> None:
        self._units = units
        self._skipped = skipped
        self._contexts: OrderedDict[int, tuple[TypeContext, int]] = OrderedDict()

    def find(self, reference: int) -> tuple[TypeContext, int] | None:
        """Return the context of a type and the type's offset, by a reference to its signature."""
        found = self._contexts.pop(reference, None)
        if found is None:
            place = self._units.find(SIGNATURE - reference)
            if place is None:
                return None
            found = TypeContext(place[0], self._skipped, self), place[1]
        self._contexts[reference] = found
        if len(self._contexts) > _CACHED_CONTEXTS:
            self._contexts.popitem(last=False)
        return found

    def declare(self, reference: int, depth: int) -> Declarator | None:
        """Return how a type in a unit of its own is spelled; None when there is no such unit."""
        found = self.find(reference)
        return None if found is None else found[0].types.declare(found[1], depth)

    def close(self) -> None:
        """Drop the contexts, which refer back to here, and the index of the units."""
        self._contexts.clear()
        self._units.close()

    def unreferred(self) -> int:
        """Return how many type units nobody has asked for so far."""
        return self._units.unreferred()
