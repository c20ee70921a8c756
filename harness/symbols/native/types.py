"""Structs, classes, unions and enumerations as scopes with fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model import LanguageSpecifics, Scope, Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, Walk
from harness.symbols.native.index import TYPE_TAGS

if TYPE_CHECKING:
    from harness.symbols.native.unit import UnitContext

_PART_TAGS = (dw.TAG_VARIANT_PART, dw.TAG_VARIANT)
_STATIC = (dw.AT_EXTERNAL, dw.AT_DECLARATION)


def build_type(context: UnitContext, die: Die) -> Scope:
    """Return the scope of one named type; its methods are scopes of their own beside it."""
    unit = context.unit
    parent, _ = context.index.parent_of(die.offset)
    name = unit.text(die.attributes[dw.AT_NAME])
    symbols: list[Symbol] = []
    bases: list[str] = []
    walk = Walk(unit, die.offset)
    for child in walk:
        if child.depth == 0:
            if child.tag == dw.TAG_ENUMERATION_TYPE:
                walk.prune()
            continue
        if child.tag in _PART_TAGS:
            continue  # the alternatives of a Rust enum: their members count as fields
        walk.prune()
        if child.tag == dw.TAG_INHERITANCE:
            base = context.types.name(child.attributes.get(dw.AT_TYPE))
            if context.has_room(base):
                bases.append(base)
        elif child.tag == dw.TAG_MEMBER or (child.tag == dw.TAG_VARIABLE and die.tag in TYPE_TAGS):
            symbols.extend(_field(context, child))
    return Scope(
        scope_type="struct",
        name=f"{parent}::{name}" if parent else name,
        start_line=0,
        end_line=0,
        has_injectible_lines=False,
        language_specifics=LanguageSpecifics(super_classes=tuple(bases)) if bases else None,
        symbols=symbols,
    )


def _field(context: UnitContext, die: Die) -> list[Symbol]:
    name = context.unit.text(die.attributes.get(dw.AT_NAME))
    if not name:
        context.skip("member without a name")
        return []
    spelled = context.types.name(die.attributes.get(dw.AT_TYPE))
    if not context.has_room(name, spelled):
        return []
    static = die.tag == dw.TAG_VARIABLE or any(mark in die.attributes for mark in _STATIC)
    return [
        Symbol(
            name=name,
            type=spelled,
            symbol_type="static_field" if static else "field",
        )
    ]
