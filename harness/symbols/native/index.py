"""One pass over a unit that notes where things are, in machine integers: what to emit, whose it is.

Debugging entries have no link to their parent, an inlined copy links to its origin but not the
other way round, and a struct without a name does not link to the typedef that names it. All are
needed while functions stream out one by one, so a first pass writes them down: 12 bytes per entry
of interest, 8 per inlined instance or unnamed type, 8 more for one that a typedef names. No names
are kept: they are read again when somebody asks.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from heapq import merge
from typing import TYPE_CHECKING

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import ELSEWHERE
from harness.symbols.dwarf.dies import Die, Walk, read_die
from harness.symbols.dwarf.lists import CODE
from harness.symbols.dwarf.strings import CUT
from harness.symbols.limits import STEP

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit

STAGE = "extraction"

_LOW_HALF = (1 << 32) - 1


class UnnamedTypes:
    """The unnamed types of one unit; offsets are relative to it. Note in file order, then seal."""

    def __init__(self) -> None:
        self._types = array("Q")
        self._typedefs = array("Q")  # the type in the high half, the typedef in the low half

    def note_type(self, offset: int) -> None:
        """Note a type without a name."""
        self._types.append(offset)

    def note_typedef(self, offset: int, target: int) -> None:
        """Note that a typedef refers to a type: one met already, or one that is still to come."""
        if target > offset or self._has(target):
            self._typedefs.append(target << 32 | offset)

    def seal(self) -> None:
        """Keep the first typedef of each unnamed type, and nothing else."""
        kept, last = array("Q"), -1
        for key in sorted(self._typedefs):
            target = key >> 32
            if target != last and self._has(target):
                kept.append(key)
                last = target
        self._typedefs = kept

    def _has(self, offset: int) -> bool:
        at = bisect_left(self._types, offset)
        return at < len(self._types) and self._types[at] == offset

    @property
    def without_typedef(self) -> int:
        """How many types have no name at all."""
        return len(self._types) - len(self._typedefs)

    def iter_named(self) -> Iterator[int]:
        """Yield the types that a typedef names, in file order."""
        return (key >> 32 for key in self._typedefs)

    def typedef_of(self, offset: int) -> int | None:
        """Return the typedef that names a type, if there is one."""
        at = bisect_left(self._typedefs, offset << 32)
        if at == len(self._typedefs) or self._typedefs[at] >> 32 != offset:
            return None
        return self._typedefs[at] & _LOW_HALF


TYPE_TAGS = frozenset(
    (dw.TAG_STRUCTURE_TYPE, dw.TAG_CLASS_TYPE, dw.TAG_UNION_TYPE, dw.TAG_ENUMERATION_TYPE,
     dw.TAG_INTERFACE_TYPE)
)  # fmt: skip
_NAMED_TAGS = TYPE_TAGS | {dw.TAG_TYPEDEF, dw.TAG_BASE_TYPE}
_SPACES = frozenset((dw.TAG_NAMESPACE, dw.TAG_MODULE))
_TAGS = _NAMED_TAGS | _SPACES | {dw.TAG_SUBPROGRAM, dw.TAG_INLINED_SUBROUTINE}
ANONYMOUS_NAMESPACE = "(anonymous namespace)"


_CACHED_PATHS = 128
_SORTED_AT_ONCE = 4096


class UnitIndex:
    """Where the functions, types and inlined instances of one unit are.

    An entry that encloses others is a container; containers are numbered in file order, 0 being
    the unit itself. Offsets of instances are kept relative to the unit, origin in the high half,
    instance in the low half of one integer.

    Attributes:
        unnamed: Types without a name of their own.
        stubs: Entries without a name that stand for a type of another unit, and their typedefs.
    """

    def __init__(self, unit: Unit, skipped: Counter[str]) -> None:
        self._unit = unit
        self._skipped = skipped
        self._offsets = array("Q")
        self._parents = array("I")
        self._containers = array("Q", (0,))
        self._outer = array("I", (0,))
        self._emitted = array("Q")
        self._instances = array("Q")
        self._foreign = self._elsewhere = self._orphans = 0
        self.unnamed = UnnamedTypes()
        self.stubs = UnnamedTypes()
        self._paths: dict[int, tuple[str, bool]] = {}
        self._scan()
        self._add_unnamed()
        self._instances = _sorted(self._instances)

    def iter_emitted(self) -> Iterator[int]:
        """Yield the offsets of types and functions worth a look, in file order."""
        return iter(self._emitted)

    def type_name(self, die: Die) -> str:
        """Return the qualified name of a type, its own or that of a typedef; empty without one."""
        declared = self._declaration(die)
        name = self._unit.text(die.attributes.get(dw.AT_NAME, declared.attributes.get(dw.AT_NAME)))
        name = name or self.typedef_name(die.offset)
        parent, _ = self.parent_of(declared.offset)
        return f"{parent}::{name}" if name and parent else name

    def _declaration(self, die: Die) -> Die:
        """Return where a type was declared that is defined outside of what encloses it."""
        offset = die.attributes.get(dw.AT_SPECIFICATION, -1)
        inside = self._unit.first <= offset < self._unit.end
        return read_die(self._unit, offset) if inside else die

    def parent_of(self, offset: int) -> tuple[str, bool]:
        """Return the qualified name of what encloses the entry, and whether that is a type."""
        at = bisect_left(self._offsets, offset)
        if at == len(self._offsets) or self._offsets[at] != offset:
            return "", False
        return self._container(self._parents[at])

    def typedef_name(self, offset: int) -> str:
        """Return the name, not qualified, that a typedef gives a type without one of its own."""
        base = self._unit.offset
        typedef = self.unnamed.typedef_of(offset - base) or self.stubs.typedef_of(offset - base)
        if typedef is None:
            return ""
        return self._unit.text(read_die(self._unit, base + typedef).attributes.get(dw.AT_NAME))

    def iter_instances(self, origin: int) -> Iterator[int]:
        """Yield the offsets of the inlined and out-of-line instances of one abstract function."""
        base = self._unit.offset
        wanted = origin - base
        at = bisect_left(self._instances, wanted << 32)
        while at < len(self._instances) and self._instances[at] >> 32 == wanted:
            yield base + (self._instances[at] & _LOW_HALF)
            at += 1

    def dropped(self, *, foreign_too: bool) -> Iterator[tuple[str, int]]:
        """Yield why instances are left out, and how many.

        Args:
            foreign_too: Whether those with a definition in another unit are.
        """
        if self._foreign and foreign_too:
            yield "instance of another unit's function", self._foreign
        if self._elsewhere:
            yield "instance of a function in another file", self._elsewhere
        if self._orphans:
            yield "instance without an origin", self._orphans

    def _container(self, number: int) -> tuple[str, bool]:
        # No lru_cache: one around a method of this object would keep the unit alive for longer
        # than it lasts, until the collector comes by.
        known = self._paths.get(number)
        if known is None:
            if len(self._paths) >= _CACHED_PATHS:
                self._paths.clear()
            path, is_type = self._read_container(number)
            known = self._paths[number] = self._within_limit(path), is_type
        return known

    def _within_limit(self, path: str) -> str:
        """Cut a path of many long names: every entry inside repeats it."""
        limit = self._unit.dwarf.elf.limits.string_bytes
        if len(path) > limit:
            self._skipped[CUT] += 1
        return path[:limit]

    def _read_container(self, number: int) -> tuple[str, bool]:
        if number == 0:
            return "", False
        die = read_die(self._unit, self._containers[number])
        if die.tag in TYPE_TAGS:
            return self.type_name(die), True
        outer, _ = self._container(self._outer[number])
        name = self._unit.text(die.attributes.get(dw.AT_NAME))
        if not name and die.tag == dw.TAG_NAMESPACE:
            name = ANONYMOUS_NAMESPACE
        return "::".join(part for part in (outer, name) if part), False

    def _scan(self) -> None:
        unit = self._unit
        stack: list[tuple[int, int, int]] = [(0, 0, 0)]  # depth, offset and container of entries
        seen = 1
        for die in Walk(unit, unit.first, _TAGS):
            seen += 1
            if seen == STEP:
                unit.dwarf.budget.spend(seen)
                seen = 0
            while stack[-1][0] >= die.depth and len(stack) > 1:
                stack.pop()
            if die.tag == dw.TAG_INLINED_SUBROUTINE:
                self._note_instance(die)
                continue
            if die.tag not in _SPACES:
                self._note(die, self._number(stack))
            if die.has_children:
                stack.append((die.depth, die.offset, 0))
        unit.dwarf.budget.spend(seen)

    def _number(self, stack: list[tuple[int, int, int]]) -> int:
        """Return the number of the innermost container, numbering those that have none yet."""
        number = 0
        for level in range(1, len(stack)):
            depth, offset, known = stack[level]
            if not known:
                self._containers.append(offset)
                self._outer.append(number)
                known = len(self._containers) - 1
                stack[level] = depth, offset, known
            number = known
        return number

    def _note(self, die: Die, container: int) -> None:
        self._offsets.append(die.offset)
        self._parents.append(container)
        attributes = die.attributes
        if dw.AT_DECLARATION in attributes:
            return
        if die.tag in TYPE_TAGS:
            if dw.AT_NAME in attributes and dw.AT_SIGNATURE not in attributes:
                self._emitted.append(die.offset)
            else:
                self._note_unnamed(die)
        elif die.tag == dw.TAG_TYPEDEF:
            self._note_typedef(die)
        elif die.tag == dw.TAG_SUBPROGRAM:
            if dw.AT_ABSTRACT_ORIGIN not in attributes:
                self._emitted.append(die.offset)
            elif any(attribute in attributes for attribute in CODE):
                self._note_instance(die)

    def _note_typedef(self, die: Die) -> None:
        unit, target = self._unit, die.attributes.get(dw.AT_TYPE, -1)
        if unit.first <= target < unit.end:
            self.unnamed.note_typedef(die.offset - unit.offset, target - unit.offset)
            self.stubs.note_typedef(die.offset - unit.offset, target - unit.offset)

    def _note_unnamed(self, die: Die) -> None:
        offset = die.offset - self._unit.offset
        if dw.AT_SIGNATURE in die.attributes:
            self.stubs.note_type(offset)
        elif dw.AT_NAME in self._declaration(die).attributes:
            self._emitted.append(die.offset)
        else:
            self.unnamed.note_type(offset)

    def _add_unnamed(self) -> None:
        """Emit the types that a typedef names; the rest are at most parts of others."""
        base = self._unit.offset
        for types in (self.unnamed, self.stubs):
            types.seal()
            named = array("Q", (base + offset for offset in types.iter_named()))
            if named:
                self._emitted = array("Q", merge(self._emitted, named))

    def _note_instance(self, die: Die) -> None:
        unit = self._unit
        origin = die.attributes.get(dw.AT_ABSTRACT_ORIGIN)
        if origin is None:
            self._orphans += 1
        elif unit.first <= origin < unit.end:
            self._instances.append((origin - unit.offset) << 32 | die.offset - unit.offset)
        elif origin <= ELSEWHERE:
            self._elsewhere += 1
        else:
            self._foreign += 1


def _sorted(values: array[int]) -> array[int]:
    """Sort machine integers without ever holding a Python object for each of them."""
    runs = [
        array("Q", sorted(values[start : start + _SORTED_AT_ONCE]))
        for start in range(0, len(values), _SORTED_AT_ONCE)
    ]
    return runs[0] if len(runs) == 1 else array("Q", merge(*runs))
