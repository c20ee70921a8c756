"""Structs, classes, unions and enumerations as scopes with fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model import LanguageSpecifics, Scope, Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, Walk, read_die

if TYPE_CHECKING:
    from harness.symbols.native.unit import UnitContext

_PART_TAGS = (dw.TAG_VARIANT_PART, dw.TAG_VARIANT)
_STATIC = (dw.AT_EXTERNAL, dw.AT_DECLARATION)
_HOISTED = (dw.TAG_STRUCTURE_TYPE, dw.TAG_CLASS_TYPE, dw.TAG_UNION_TYPE)
_QUALIFIERS = (dw.TAG_CONST_TYPE, dw.TAG_VOLATILE_TYPE)


def build_type(context: UnitContext, die: Die) -> Scope:
    """Return the scope of one type that has a name, its own or that of a typedef.

    Its methods are scopes of their own beside it.
    """
    name = context.unit.text(die.attributes.get(dw.AT_NAME))
    name = name or context.index.typedef_name(die.offset)
    parent, _ = context.index.parent_of(die.offset)
    members = _Members(context)
    members.read(die.offset)
    bases = tuple(members.bases)
    return Scope(
        scope_type="struct",
        name=f"{parent}::{name}" if parent else name,
        start_line=0,
        end_line=0,
        has_injectible_lines=False,
        language_specifics=LanguageSpecifics(super_classes=bases) if bases else None,
        symbols=members.symbols,
    )


class _Members:
    """The fields and bases of one type while they are being gathered."""

    def __init__(self, context: UnitContext) -> None:
        self._context = context
        self._seen: set[int] = set()
        self.symbols: list[Symbol] = []
        self.bases: list[str] = []

    def read(self, offset: int) -> None:
        """Add the members of the type at `offset`, and those of its unnamed parts."""
        self._seen.add(offset)
        walk = Walk(self._context.unit, offset)
        for child in walk:
            if child.depth == 0:
                if child.tag == dw.TAG_ENUMERATION_TYPE:
                    walk.prune()
                continue
            if child.tag in _PART_TAGS:
                continue  # the alternatives of a Rust enum: their members count as fields
            walk.prune()
            if child.tag == dw.TAG_INHERITANCE:
                self._add_base(child)
            elif child.tag in (dw.TAG_MEMBER, dw.TAG_VARIABLE):
                self._add_field(child)

    def _add_base(self, die: Die) -> None:
        base = self._context.types.name(die.attributes.get(dw.AT_TYPE))
        if self._context.has_room(base):
            self.bases.append(base)

    def _add_field(self, die: Die) -> None:
        context = self._context
        name = context.unit.text(die.attributes.get(dw.AT_NAME))
        if not name:
            self._hoist(die)
            return
        spelled = context.types.name(die.attributes.get(dw.AT_TYPE))
        if not context.has_room(name, spelled):
            return
        static = die.tag == dw.TAG_VARIABLE or any(mark in die.attributes for mark in _STATIC)
        kind = "static_field" if static else "field"
        self.symbols.append(Symbol(name=name, type=spelled, symbol_type=kind))

    def _hoist(self, die: Die) -> None:
        """Add the members of an unnamed member, as the language has them: `outer.inner`."""
        part = self._unnamed_part(die)
        if part is None or part in self._seen:
            self._context.skip("member without a name")
            return
        self._context.hoisted += not self._context.index.typedef_name(part)
        self.read(part)

    def _unnamed_part(self, die: Die) -> int | None:
        """Return the struct or union without a name that a member consists of."""
        unit = self._context.unit
        for _ in range(len(_QUALIFIERS) + 1):
            offset = die.attributes.get(dw.AT_TYPE, -1)
            if not unit.first <= offset < unit.end:
                break
            die = read_die(unit, offset)
            if die.tag in _HOISTED and dw.AT_NAME not in die.attributes:
                return int(offset)
            if die.tag not in _QUALIFIERS:
                break
        return None
