"""Types of the type units that a unit refers to, as if they stood in it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import ELSEWHERE, SIGNATURE
from harness.symbols.dwarf.dies import Die, Walk, read_die
from harness.symbols.native.index import TYPE_TAGS
from harness.symbols.native.types import build_type

if TYPE_CHECKING:
    from harness.model import Scope
    from harness.symbols.native.typecontext import TypeContext

STAGE = "extraction"

_REFERRING = (dw.AT_TYPE, dw.AT_SIGNATURE, dw.AT_CONTAINING_TYPE)


def iter_signed_types(context: TypeContext) -> Iterator[Scope]:
    """Yield the types of all type units that a unit refers to, by itself or through others."""
    references = _References()
    references.read(context)
    for reference in references:
        found = context.signed.find(reference)
        if found is None:
            context.skip("type in a type unit that is not there")
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
