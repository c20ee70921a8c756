"""Structs, classes, unions and enumerations as scopes with fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model import LanguageSpecifics, Scope, Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import ELSEWHERE, SIGNATURE
from harness.symbols.dwarf.dies import Die, Walk, read_die
from harness.symbols.native.context import NAMELESS
from harness.symbols.scopes import type_scope

if TYPE_CHECKING:
    from harness.symbols.native.context import TypeContext

STAGE = "scope tree"

_MEMBER_TAGS = frozenset((dw.TAG_MEMBER, dw.TAG_VARIABLE, dw.TAG_INHERITANCE))
# The alternatives of a Rust enum: their members count as fields.
_PART_TAGS = frozenset((dw.TAG_VARIANT_PART, dw.TAG_VARIANT))
_STATIC = (dw.AT_EXTERNAL, dw.AT_DECLARATION)
_HOISTED = (dw.TAG_STRUCTURE_TYPE, dw.TAG_CLASS_TYPE, dw.TAG_UNION_TYPE)
_QUALIFIERS = (dw.TAG_CONST_TYPE, dw.TAG_VOLATILE_TYPE)


_Part = tuple["TypeContext", Die]
"""An entry and the context of its unit."""


def build_type(context: TypeContext, die: Die, name: str = "") -> Scope | None:
    """Return the scope of one type that has a name, its own or that of a typedef.

    Its methods are scopes of their own beside it. The members of a stub that a typedef names are in
    another unit; None when there is no such unit, or when the type has a name there. By default it
    is called what its own unit calls it.
    """
    part = _follow_stub(context, die)
    if part is None or (part[1] is not die and dw.AT_NAME in part[1].attributes):
        return None
    if name or part[1] is not die:
        context.skipped[NAMELESS] -= 1
    members = _Members(context)
    members.read(*part)
    bases = tuple(members.bases)
    specifics = LanguageSpecifics(super_classes=bases) if bases else None
    return type_scope(name or context.index.type_name(die), members.symbols, specifics)


class _Members:
    """The fields and bases of one type while they are being gathered, into the room of one scope.

    Parts without a name may stand in units of their own, so a context comes with every entry.
    """

    def __init__(self, context: TypeContext) -> None:
        context.open_scope()
        self._has_room = context.has_room
        self._seen: set[tuple[str, int]] = set()
        self.symbols: list[Symbol] = []
        self.bases: list[str] = []

    def read(self, context: TypeContext, die: Die) -> None:
        """Add the members of a type, and those of its unnamed parts."""
        self._seen.add((context.unit.info.name, die.offset))
        if die.tag == dw.TAG_ENUMERATION_TYPE or not die.has_children:
            return
        for child in Walk(context.unit, die.offset, _MEMBER_TAGS, into=_PART_TAGS):
            if child.tag == dw.TAG_INHERITANCE:
                self._add_base(context, child)
            else:
                self._add_field(context, child)

    def _add_base(self, context: TypeContext, die: Die) -> None:
        base = context.types.name(die.attributes.get(dw.AT_TYPE))
        if self._has_room(base):
            self.bases.append(base)

    def _add_field(self, context: TypeContext, die: Die) -> None:
        name = context.unit.text(die.attributes.get(dw.AT_NAME))
        if not name:
            self._hoist(context, die)
            return
        spelled = context.types.name(die.attributes.get(dw.AT_TYPE))
        if not self._has_room(name, spelled):
            return
        static = die.tag == dw.TAG_VARIABLE or any(mark in die.attributes for mark in _STATIC)
        kind = "static_field" if static else "field"
        self.symbols.append(Symbol(name=name, type=spelled, symbol_type=kind))

    def _hoist(self, context: TypeContext, die: Die) -> None:
        """Add the members of an unnamed member, as the language has them: `outer.inner`."""
        part = _unnamed_part(context, die)
        if part is None or (part[0].unit.info.name, part[1].offset) in self._seen:
            context.skipped["member without a name"] += 1
            return
        if not part[0].index.typedef_name(part[1].offset):
            context.skipped[NAMELESS] -= 1
        self.read(*part)


def _unnamed_part(context: TypeContext, die: Die) -> _Part | None:
    """Return the struct or union without a name that a member consists of."""
    for _ in range(len(_QUALIFIERS) + 1):
        found = _follow(context, die.attributes.get(dw.AT_TYPE, ELSEWHERE))
        if found is None:
            break
        context, die = found
        if die.tag in _HOISTED and dw.AT_NAME not in die.attributes:
            part = _follow_stub(context, die)
            return part if part and dw.AT_NAME not in part[1].attributes else None
        if die.tag not in _QUALIFIERS:
            break
    return None


def _follow_stub(context: TypeContext, die: Die) -> _Part | None:
    """Return the entry in another unit that a stub stands for, or the entry itself."""
    if dw.AT_SIGNATURE not in die.attributes:
        return context, die
    return _follow(context, die.attributes[dw.AT_SIGNATURE])


def _follow(context: TypeContext, reference: int) -> _Part | None:
    if reference <= SIGNATURE:
        found = context.signed.find(reference)
        if found is None:
            return None
        context, reference = found
    if not context.unit.first <= reference < context.unit.end:
        return None
    return context, read_die(context.unit, reference)
