"""One pass over a unit that notes where things are, in machine integers: what to emit, whose it is.

Debugging entries have no link to their parent, and an inlined copy links to its origin but not the
other way round. Both are needed while functions stream out one by one, so a first pass writes them
down: 12 bytes an entry of interest, 16 an inlined instance.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, Walk

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit

TYPE_TAGS = frozenset(
    (dw.TAG_STRUCTURE_TYPE, dw.TAG_CLASS_TYPE, dw.TAG_UNION_TYPE, dw.TAG_ENUMERATION_TYPE,
     dw.TAG_INTERFACE_TYPE)
)  # fmt: skip
_NAMED_TAGS = TYPE_TAGS | {dw.TAG_TYPEDEF, dw.TAG_BASE_TYPE}
_TAGS = _NAMED_TAGS | {dw.TAG_SUBPROGRAM, dw.TAG_INLINED_SUBROUTINE, dw.TAG_NAMESPACE}
_CODE = (dw.AT_LOW_PC, dw.AT_LOW_PC_INDEX, dw.AT_RANGES, dw.AT_RANGES_INDEX)
ANONYMOUS_NAMESPACE = "(anonymous namespace)"


class UnitIndex:
    """Where the functions, types and inlined instances of one unit are."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._offsets = array("Q")
        self._parents = array("I")
        self._paths: list[str] = [""]
        self._path_is_type: list[bool] = [False]
        self._emitted = array("Q")
        self._origins = array("Q")
        self._instances = array("Q")
        self._scan()
        self._sort_instances()

    def iter_emitted(self) -> Iterator[int]:
        """Yield the offsets of types and functions worth a look, in file order."""
        return iter(self._emitted)

    def parent_of(self, offset: int) -> tuple[str, bool]:
        """Return the qualified name of what encloses the entry, and whether that is a type."""
        at = bisect_left(self._offsets, offset)
        if at == len(self._offsets) or self._offsets[at] != offset:
            return "", False
        path = self._parents[at]
        return self._paths[path], self._path_is_type[path]

    def iter_instances(self, origin: int) -> Iterator[int]:
        """Yield the offsets of the inlined and out-of-line instances of one abstract function."""
        at = bisect_left(self._origins, origin)
        while at < len(self._origins) and self._origins[at] == origin:
            yield self._instances[at]
            at += 1

    def _scan(self) -> None:
        unit = self._unit
        stack: list[tuple[int, int]] = [(0, 0)]  # depth of an entry, path of its children
        for die in Walk(unit, unit.first, _TAGS):
            while stack[-1][0] >= die.depth and len(stack) > 1:
                stack.pop()
            path = stack[-1][1]
            if die.tag == dw.TAG_INLINED_SUBROUTINE:
                self._note_instance(die)
                continue
            if die.tag != dw.TAG_NAMESPACE:
                self._note(die, path)
            if die.has_children:
                stack.append((die.depth, self._enter(die, path)))

    def _note(self, die: Die, path: int) -> None:
        self._offsets.append(die.offset)
        self._parents.append(path)
        if dw.AT_DECLARATION in die.attributes:
            return
        if die.tag in TYPE_TAGS:
            if dw.AT_NAME in die.attributes:
                self._emitted.append(die.offset)
        elif die.tag == dw.TAG_SUBPROGRAM:
            has_code = any(attribute in die.attributes for attribute in _CODE)
            if dw.AT_ABSTRACT_ORIGIN not in die.attributes:
                self._emitted.append(die.offset)
            elif has_code:
                self._note_instance(die)

    def _note_instance(self, die: Die) -> None:
        origin = die.attributes.get(dw.AT_ABSTRACT_ORIGIN)
        if origin is not None:
            self._origins.append(origin)
            self._instances.append(die.offset)

    def _enter(self, die: Die, path: int) -> int:
        name = self._unit.text(die.attributes.get(dw.AT_NAME))
        if not name and die.tag == dw.TAG_NAMESPACE:
            name = ANONYMOUS_NAMESPACE
        if not name:
            return path
        whole = f"{self._paths[path]}::{name}" if path else name
        is_type = die.tag in TYPE_TAGS
        if self._paths[-1] != whole or self._path_is_type[-1] != is_type:
            self._paths.append(whole)
            self._path_is_type.append(is_type)
        return len(self._paths) - 1

    def _sort_instances(self) -> None:
        order = sorted(range(len(self._origins)), key=self._origins.__getitem__)
        self._origins = array("Q", (self._origins[at] for at in order))
        self._instances = array("Q", (self._instances[at] for at in order))
