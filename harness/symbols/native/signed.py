"""Types that stand in units of their own and are referred to by a signature.

DWARF 4 has them in .debug_types, DWARF 5 among the others in .debug_info. What is kept of one is 64
bits: half its signature and its number, sorted and spilled; the header is read again to be sure.
"""

from __future__ import annotations

from array import array
from collections import Counter, OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import ELSEWHERE, SIGNATURE
from harness.symbols.dwarf.dies import Die, Walk, read_die
from harness.symbols.dwarf.unithead import UT_SPLIT_TYPE, UT_TYPE, read_header, unit_offsets
from harness.symbols.dwarf.units import Dwarf, Unit
from harness.symbols.native.context import TypeContext
from harness.symbols.native.far import FarNames
from harness.symbols.native.paths import TYPE_TAGS
from harness.symbols.native.types import build_type
from harness.symbols.native.unnamed import LOW_HALF
from harness.symbols.spill import SortedKeys

if TYPE_CHECKING:
    from harness.model import Scope
    from harness.symbols.native.typenames import Declarator
    from harness.symbols.sections import Section

STAGE = "extraction"

_CACHED_CONTEXTS = 8
_REFERRING = (dw.AT_TYPE, dw.AT_SIGNATURE, dw.AT_CONTAINING_TYPE)


def iter_signed_types(context: TypeContext) -> Iterator[Scope]:
    """Yield the types of all type units that a unit refers to, by itself or through others."""
    references = _References()
    references.read(context)
    for reference in references:
        found = context.signed.find(reference)
        if found is None:
            context.skipped["type in a type unit that is not there"] += 1
            continue
        there, offset = found
        references.read(there)
        there.count_nameless()
        name = references.names.get(reference, "")
        scope = build_type(there, read_die(there.unit, offset), name) if name else None
        if scope is not None:
            yield scope
        for emitted in there.index.iter_emitted():
            die = read_die(there.unit, emitted)
            scope = build_type(there, die) if die.tag in TYPE_TAGS else None
            if scope is not None:
                yield scope


class _References:
    """References to type units, each once, in the order in which they were met.

    Attributes:
        names: What a typedef calls a type that has no name in its unit; the first one counts.
    """

    def __init__(self) -> None:
        self._waiting = array("Q")
        self._known: set[int] = set()
        self.names: dict[int, str] = {}

    def __iter__(self) -> Iterator[int]:
        for signature in self._waiting:  # which goes on to what is added meanwhile
            yield SIGNATURE - signature

    def read(self, context: TypeContext) -> None:
        """Add what a unit refers to. Only entries of which some can refer to one are looked at."""
        unit = context.unit
        tags = unit.table.tags_with(dw.FORM_REF_SIG8)
        if not tags:
            return
        met = 0
        for die in Walk(unit, unit.first, tags):
            met += 1
            for attribute in _REFERRING:
                if die.attributes.get(attribute, ELSEWHERE) <= SIGNATURE:
                    self._add(context, die, die.attributes[attribute])
        unit.dwarf.budget.spend(met)

    def _add(self, context: TypeContext, die: Die, reference: int) -> None:
        if reference not in self._known:
            self._known.add(reference)
            self._waiting.append(SIGNATURE - reference)
        if die.tag == dw.TAG_TYPEDEF and reference not in self.names:
            found = context.signed.find(reference)
            if found and not found[0].index.type_name(read_die(found[0].unit, found[1])):
                self.names[reference] = context.types.name(die.offset)


class SignedTypes:
    """The types of one file that stand in units of their own. The last few units are kept."""

    def __init__(self, units: TypeUnits, far: FarNames, skipped: Counter[str]) -> None:
        self.far = far
        far.signed = self
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

    def name(self, die: Die) -> str:
        """Return the qualified name of the type in a unit of its own that an entry stands for."""
        found = None
        if dw.AT_SIGNATURE in die.attributes and dw.AT_NAME not in die.attributes:
            found = self.find(die.attributes[dw.AT_SIGNATURE])
        return found[0].index.type_name(read_die(found[0].unit, found[1])) if found else ""

    def close(self) -> None:
        """Drop the contexts, which refer back to here, and the index of the units."""
        self._contexts.clear()
        self.far.close()
        self._units.close()

    def unreferred(self) -> int:
        """Return how many type units nobody has asked for so far."""
        return self._units.unreferred()


_WINDOW_BYTES = 16 * 1024
_HALF = 32


class _Source(NamedTuple):
    """A section with type units. A view of its own: references jump, reading .debug_info does not.

    `offsets` are where its units start, and where the last one ends; they are numbered from
    `first`.
    """

    section: Section
    offsets: array[int]
    first: int


class TypeUnits:
    """The type units of one file, by signature."""

    def __init__(self, dwarf: Dwarf) -> None:
        self._dwarf = dwarf
        self._keys = SortedKeys()
        self._sources = [_Source(dwarf.info.view(_WINDOW_BYTES), dwarf.unit_offsets, 0)]
        types = dwarf.elf.section(".debug_types")
        if types is not None:
            offsets = unit_offsets(types, dwarf.order, dwarf.budget)
            self._sources.append(_Source(types, offsets, len(dwarf.unit_offsets)))
        self._known = sum(map(self._note, self._sources))
        self._keys.seal()
        self._referred = bytearray(sum(len(source.offsets) for source in self._sources))

    def close(self) -> None:
        """Give the file of the index back."""
        self._keys.close()

    def unreferred(self) -> int:
        """Return how many type units nobody has asked for so far."""
        return self._known - sum(self._referred)

    def find(self, signature: int) -> tuple[Unit, int] | None:
        """Return the unit of a type and the type's offset; None when there is no such unit."""
        half = signature >> _HALF
        for key in self._keys.iter_range(half << _HALF, half + 1 << _HALF):
            source, at = self._place(key & LOW_HALF)
            start, end = source.offsets[at : at + 2]
            header = read_header(source.section, start, self._dwarf.order)
            if header.signature == signature:
                self._referred[key & LOW_HALF] = 1
                unit = self._dwarf.unit_type(self._dwarf, start, end, source.section)
                return unit, start + header.type_offset
        packed = self._dwarf.packed_type(signature)
        if packed is None:
            return None
        header = read_header(packed.info, packed.offset, self._dwarf.order)
        return packed, packed.offset + header.type_offset

    def _note(self, source: _Source) -> int:
        found = 0
        for at, start in enumerate(source.offsets[:-1]):
            header = read_header(source.section, start, self._dwarf.order)
            if header.kind in (UT_TYPE, UT_SPLIT_TYPE):
                self._keys.add(header.signature >> _HALF << _HALF | source.first + at)
                found += 1
        return found

    def _place(self, number: int) -> tuple[_Source, int]:
        source = self._sources[-1] if number >= self._sources[-1].first else self._sources[0]
        return source, number - source.first
