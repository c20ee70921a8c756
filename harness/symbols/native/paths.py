"""Qualified names of what encloses entries: namespaces, types and functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from harness.symbols.dwarf import constants as dw
from harness.symbols.native.chains import follow

if TYPE_CHECKING:
    from harness.symbols.dwarf.dies import Die
    from harness.symbols.dwarf.units import Unit

STAGE = "extraction"

TYPE_TAGS = frozenset(
    (dw.TAG_STRUCTURE_TYPE, dw.TAG_CLASS_TYPE, dw.TAG_UNION_TYPE, dw.TAG_ENUMERATION_TYPE,
     dw.TAG_INTERFACE_TYPE)
)  # fmt: skip
SPACES = frozenset((dw.TAG_NAMESPACE, dw.TAG_MODULE))
NAMED_TAGS = TYPE_TAGS | SPACES | {dw.TAG_TYPEDEF, dw.TAG_BASE_TYPE, dw.TAG_SUBPROGRAM}
ANONYMOUS_NAMESPACE = "(anonymous namespace)"

Path: TypeAlias = tuple[str, bool]
"""The qualified name of what encloses something, and whether that is a type."""


class Names(Protocol):
    """Who knows what encloses an entry, and what a type is called."""

    def parent_of(self, offset: int) -> Path:
        """Return the path of what encloses the entry."""

    def type_name(self, die: Die) -> str:
        """Return the qualified name of a type; empty without one."""


def path_of(names: Names, unit: Unit, die: Die, outer: str) -> Path:
    """Return the path of an entry that encloses others, inside of `outer`.

    A function is where it was declared. A type without a name adds nothing.
    """
    is_type = die.tag in TYPE_TAGS
    if is_type and (path := names.type_name(die)):
        return path, True
    name = unit.text(die.attributes.get(dw.AT_NAME))
    if die.tag == dw.TAG_SUBPROGRAM:
        chain = follow(unit, die.offset, die.attributes)
        if chain.offset != die.offset:
            outer, _ = names.parent_of(chain.offset)
        name = chain.unit.text(chain.found.get(dw.AT_NAME))
    elif not name and die.tag == dw.TAG_NAMESPACE:
        name = ANONYMOUS_NAMESPACE
    return "::".join(part for part in (outer, name) if part), is_type
