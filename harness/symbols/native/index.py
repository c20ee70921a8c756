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
from harness.symbols.native.chains import owner_of, reason_to_drop
from harness.symbols.native.closures import closure_name, is_call
from harness.symbols.native.paths import NAMED_TAGS, SPACES, TYPE_TAGS, Path, path_of
from harness.symbols.native.typenames import TypeNames
from harness.symbols.native.unnamed import LOW_HALF, UnnamedTypes, holds, sort

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit
    from harness.symbols.native.signed import SignedTypes

STAGE = "extraction"

_INLINED = frozenset((dw.TAG_INLINED_SUBROUTINE,))
_TAGS = NAMED_TAGS | _INLINED | {dw.TAG_IMPORTED_UNIT}
_CACHED_PATHS = 128


class UnitIndex:
    """Where the functions, types and inlined instances of one unit are.

    An entry that encloses others is a container; containers are numbered in file order, 0 being
    the unit itself. Offsets of instances are kept relative to the unit, origin in the high half,
    instance in the low half of one integer.

    Args:
        unit: The unit.
        skipped: Counts what is left out, by reason.
        signed: The types that stand in units of their own.
        has_stored: Whether the pre-pass stored what the unit's inlined instances say: then they are
            noted when somebody asks, which is rare.

    Attributes:
        unnamed: Types without a name of their own.
        foreign: How many instances have their definition in another unit.
        imports: Where the partial units begin that the unit imports.
        stubs: Entries without a name that stand for a type of another unit, and their typedefs.
    """

    def __init__(
        self, unit: Unit, skipped: Counter[str], signed: SignedTypes, *, has_stored: bool
    ) -> None:
        self._unit = unit
        self._skipped = skipped
        self._signed = signed
        self._offsets = array("Q")
        self._parents = array("I")
        self._containers = array("Q", (0,))
        self._outer = array("I", (0,))
        self._emitted = array("Q")
        self._instances = array("Q")
        self.foreign = 0
        self._far = array("Q")
        self.imports = array("Q")
        self.unnamed = UnnamedTypes()
        self.stubs = UnnamedTypes()
        self._closures = array("Q")
        self._unfinished: set[int] = set()
        self._paths: dict[int, Path] = {}
        self._lacks_inlined = has_stored
        self._scan(_TAGS - _INLINED if has_stored else _TAGS)
        self._add_unnamed()
        self._sort_instances()

    @property
    def nameless(self) -> int:
        """How many types have no name at all."""
        return self.unnamed.without_typedef - len(self._closures)

    def iter_emitted(self) -> Iterator[int]:
        """Yield the offsets of types and functions worth a look, in file order."""
        return iter(self._emitted)

    def type_name(self, die: Die) -> str:
        """Return the qualified name of a type: its own, a closure's, that of a typedef, or none."""
        if not self._unit.first <= die.offset < self._unit.end:
            return self._signed.far.type_name(die)
        if path := self._signed.name(die):
            return path
        declared = self._declaration(die)
        name = self._unit.text(die.attributes.get(dw.AT_NAME, declared.attributes.get(dw.AT_NAME)))
        name = name or self._closure_name(die) or self.typedef_name(die.offset)
        parent, _ = self.parent_of(declared.offset)
        return f"{parent}::{name}" if name and parent else name

    def _declaration(self, die: Die) -> Die:
        """Return where a type was declared that is defined outside of what encloses it."""
        offset = die.attributes.get(dw.AT_SPECIFICATION, ELSEWHERE)
        return die if offset <= ELSEWHERE else read_die(owner_of(self._unit, offset), offset)

    def parent_of(self, offset: int) -> Path:
        """Return the qualified name of what encloses the entry, and whether that is a type."""
        unit = self._unit
        if unit.first <= offset < unit.end:
            return self._container(self._scope(offset))
        return ("", False) if unit.language == "c" else self._signed.far.parent_of(offset)

    def _scope(self, offset: int) -> int:
        """Return the number of what encloses the entry."""
        at = bisect_left(self._offsets, offset)
        known = at < len(self._offsets) and self._offsets[at] == offset
        return self._parents[at] if known else 0

    def typedef_name(self, offset: int) -> str:
        """Return the name, not qualified, that a typedef gives a type without one of its own."""
        base = self._unit.offset
        typedef = self.unnamed.typedef_of(offset - base) or self.stubs.typedef_of(offset - base)
        if typedef is None:
            return ""
        return self._unit.text(read_die(self._unit, base + typedef).attributes.get(dw.AT_NAME))

    def iter_instances(self, origin: int) -> Iterator[int]:
        """Yield the offsets of the inlined and out-of-line instances of one abstract function.

        It is in this unit, or in a partial one.
        """
        if self._lacks_inlined:
            self._lacks_inlined = False
            self._scan_inlined()
        base = self._unit.offset
        inside = self._unit.first <= origin < self._unit.end
        found, wanted = (self._instances, origin - base) if inside else (self._far, origin)
        at = bisect_left(found, wanted << 32)
        while at < len(found) and found[at] >> 32 == wanted:
            yield base + (found[at] & LOW_HALF)
            at += 1

    def _closure_name(self, die: Die) -> str:
        if not holds(self._closures, die.offset):
            return ""
        # Made anew each time: one that lasted would be a cycle with this index.
        names = TypeNames(self._unit, self, self._skipped, self._signed)
        return closure_name(self._unit, names, die, self._unfinished)

    def _container(self, number: int) -> Path:
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

    def _read_container(self, number: int) -> Path:
        if number == 0:
            return "", False
        die = read_die(self._unit, self._containers[number])
        return path_of(self, self._unit, die, self._container(self._outer[number])[0])

    def _scan_inlined(self) -> None:
        check_time = self._unit.dwarf.budget.check_time
        for number, die in enumerate(Walk(self._unit, self._unit.first, _INLINED)):
            if number % STEP == 0:
                check_time()
            if not reason_to_drop(die.attributes.get(dw.AT_ABSTRACT_ORIGIN)):  # counted before
                self._note_instance(die)
        self._sort_instances()

    def _sort_instances(self) -> None:
        self._instances = sort(self._instances)
        self._far = sort(self._far)

    def _scan(self, tags: frozenset[int]) -> None:
        unit = self._unit
        stack: list[tuple[int, int, int]] = [(0, 0, 0)]  # depth, offset and container of entries
        seen = 1
        walk = Walk(unit, unit.first, tags)
        for die in walk:
            seen += 1
            if seen == STEP:
                unit.dwarf.budget.spend(seen)
                seen = 0
            while stack[-1][0] >= walk.rose and len(stack) > 1:
                stack.pop()
            if die.tag == dw.TAG_INLINED_SUBROUTINE:
                self._note_instance(die)
                continue
            if die.tag == dw.TAG_IMPORTED_UNIT:
                self._note_import(die.attributes.get(dw.AT_IMPORT, ELSEWHERE))
                continue
            if die.tag not in SPACES:
                self._note(die, self._number(stack))
            if die.tag == dw.TAG_SUBPROGRAM:
                self._note_call(die, stack[-1][1])
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

    def _note_call(self, die: Die, container: int) -> None:
        """Note that a type without a name is a closure, which its call operator tells."""
        if self.unnamed.is_last(container - self._unit.offset) and is_call(self._unit, die):
            self._closures.append(container)

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
        """Emit what a typedef names, and closures; the rest are at most parts of other types."""
        base = self._unit.offset
        self.unnamed.seal(self._may_name)
        self.stubs.seal()  # whose scope is that of another unit
        if self._closures:
            free = (at for at in self._closures if self.unnamed.typedef_of(at - base) is None)
            self._closures = array("Q", free)
            self._emitted = array("Q", merge(self._emitted, self._closures))
        for types in (self.unnamed, self.stubs):
            named = array("Q", (base + offset for offset in types.iter_named()))
            if named:
                self._emitted = array("Q", merge(self._emitted, named))

    def _may_name(self, target: int, typedef: int) -> bool:
        """Tell whether a typedef may name a type: one beside it, but no closure in a function."""
        base = self._unit.offset
        scope = self._scope(base + target)
        if scope != self._scope(base + typedef):
            return False
        enclosing = scope and read_die(self._unit, self._containers[scope]).tag
        return enclosing != dw.TAG_SUBPROGRAM or not holds(self._closures, base + target)

    def _note_instance(self, die: Die) -> None:
        unit = self._unit
        origin = die.attributes.get(dw.AT_ABSTRACT_ORIGIN)
        if origin is None or origin <= ELSEWHERE:
            self._skipped[reason_to_drop(origin)] += 1
        elif unit.first <= origin < unit.end:
            self._instances.append((origin - unit.offset) << 32 | die.offset - unit.offset)
        elif unit.dwarf.is_partial(origin) and origin <= LOW_HALF:
            self._far.append(origin << 32 | die.offset - unit.offset)
        else:
            self.foreign += 1

    def _note_import(self, offset: int) -> None:
        if offset <= ELSEWHERE:
            self._skipped["unit in another file that is imported"] += 1
        elif self._unit.dwarf.is_partial(offset):  # a whole unit is delivered by itself
            self.imports.append(offset)
