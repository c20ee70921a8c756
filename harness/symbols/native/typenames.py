"""Spell types the way their source does: `const char *`, `int[4]`, `void (*)(int)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import ELSEWHERE
from harness.symbols.dwarf.dies import Die, iter_children, read_die

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit
    from harness.symbols.native.index import UnitIndex

_CACHED_NAMES = 1024
_DEEPEST = 32
_UNKNOWN = "?"
_SUBRANGES = frozenset((dw.TAG_SUBRANGE_TYPE,))
_SUFFIXES = {
    dw.TAG_POINTER_TYPE: "*",
    dw.TAG_REFERENCE_TYPE: "&",
    dw.TAG_RVALUE_REFERENCE_TYPE: "&&",
    dw.TAG_PTR_TO_MEMBER_TYPE: "::*",
}
_QUALIFIERS = {
    dw.TAG_CONST_TYPE: "const",
    dw.TAG_VOLATILE_TYPE: "volatile",
    dw.TAG_RESTRICT_TYPE: "restrict",
    dw.TAG_ATOMIC_TYPE: "_Atomic",
}
_ANONYMOUS = {
    dw.TAG_STRUCTURE_TYPE: "(anonymous struct)",
    dw.TAG_CLASS_TYPE: "(anonymous class)",
    dw.TAG_UNION_TYPE: "(anonymous union)",
    dw.TAG_ENUMERATION_TYPE: "(anonymous enum)",
}


class TypeNames:
    """Names of the types of one unit. The cache lives and dies with the unit, and is bounded."""

    def __init__(self, unit: Unit, index: UnitIndex) -> None:
        self._unit = unit
        self._index = index
        self._cache: dict[int, str] = {}

    def name(self, offset: int | None, depth: int = 0) -> str:
        """Return the spelling of the type at `offset`; no type at all is `void`.

        Types that live in another file, and chains deeper than 32, are spelled `?`.
        """
        if offset is None:
            return "void"
        if offset == ELSEWHERE or depth > _DEEPEST:
            return _UNKNOWN
        known = self._cache.get(offset)
        if known is None:
            if len(self._cache) >= _CACHED_NAMES:
                self._cache.clear()
            known = self._cache[offset] = self._spell(offset, depth)
        return known

    def _spell(self, offset: int, depth: int) -> str:
        unit = self._unit
        if not unit.first <= offset < unit.end:
            unit = unit.dwarf.unit_of(offset)
        die = read_die(unit, offset)
        attributes, tag = die.attributes, die.tag
        if dw.AT_NAME in attributes:
            return self._qualify(offset, unit.text(attributes[dw.AT_NAME]))
        target = attributes.get(dw.AT_TYPE)
        if tag in _SUFFIXES:
            return _append(self.name(target, depth + 1), _SUFFIXES[tag])
        if tag in _QUALIFIERS:
            return _qualified(self.name(target, depth + 1), _QUALIFIERS[tag])
        if tag == dw.TAG_ARRAY_TYPE:
            return _append(self.name(target, depth + 1), _dimensions(unit, die))
        if tag == dw.TAG_SUBROUTINE_TYPE:
            return f"{self.name(target, depth + 1)} ({self._parameters(unit, die, depth)})"
        return _ANONYMOUS.get(tag, _UNKNOWN)

    def _qualify(self, offset: int, name: str) -> str:
        parent, _ = self._index.parent_of(offset)
        return f"{parent}::{name}" if parent else name

    def _parameters(self, unit: Unit, die: Die, depth: int) -> str:
        if not die.has_children:
            return ""
        parts: list[str] = []
        for child in iter_children(unit, die.offset):
            if child.tag == dw.TAG_FORMAL_PARAMETER:
                parts.append(self.name(child.attributes.get(dw.AT_TYPE), depth + 1))
            elif child.tag == dw.TAG_UNSPECIFIED_PARAMETERS:
                parts.append("...")
        return ", ".join(parts)


def _append(inner: str, suffix: str) -> str:
    """Put a pointer, reference or dimension behind a type, inside the parentheses of a function."""
    head, parenthesis, tail = inner.rpartition(" (")
    if parenthesis and tail.endswith(")") and not head.endswith("operator"):
        if head.endswith(")"):
            return f"{head[:-1]}{suffix}) ({tail}"
        return f"{head} ({suffix}) ({tail}"
    return f"{inner}{suffix}" if suffix[0] == "[" else f"{inner} {suffix}".replace("* *", "**")


def _qualified(inner: str, qualifier: str) -> str:
    return f"{inner} {qualifier}" if inner.endswith(("*", "&")) else f"{qualifier} {inner}"


def _dimensions(unit: Unit, die: Die) -> str:
    if not die.has_children:
        return "[]"
    sizes: list[str] = []
    for child in iter_children(unit, die.offset, _SUBRANGES):
        count = child.attributes.get(dw.AT_COUNT)
        bound = child.attributes.get(dw.AT_UPPER_BOUND)
        if isinstance(bound, int) and count is None:
            count = bound + 1
        sizes.append(f"[{count}]" if isinstance(count, int) else "[]")
    return "".join(sizes) or "[]"
