"""The pre-pass: one walk over every unit, which fills the index and stores what it decodes.

A function with code of its own is decoded here, once, and its scope stored until its package is
delivered: the walk meets all its entries anyway, on the way to what was inlined into it, and has
its line table at hand.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, Walk
from harness.symbols.dwarf.units import Unit
from harness.symbols.go.binary import GoBinary, GoUnitReader
from harness.symbols.go.functions import FunctionBuilder, open_function
from harness.symbols.go.index import Entry, EntryKind, GoIndex, function_entry
from harness.symbols.go.inlined import INSTANCES, InstanceCollector, PhysicalFunction
from harness.symbols.go.names import FunctionName
from harness.symbols.go.placement import Placement
from harness.symbols.go.types import declared_name
from harness.symbols.limits import STEP
from harness.symbols.scopes import BODY_TAGS

STAGE = "extraction"


def build_index(binary: GoBinary) -> GoIndex:
    """Walk all units of the binary and return the sealed index; the caller closes it."""
    index = GoIndex()
    try:
        _scan(binary, index)
        index.seal()
    except BaseException:
        index.close()
        raise
    return index


def _scan(binary: GoBinary, index: GoIndex) -> None:
    placement = Placement(binary, index)
    placement.look_ahead(unit for unit, reason in _iter_units(binary) if not reason)
    for unit, reason in _iter_units(binary):
        if reason:
            binary.skipped[reason] += 1
            continue
        wanted = placement.begin(unit)
        occupied = UnitScan(binary, index, placement, unit, wanted=wanted).run()
        if wanted:
            placement.end(unit, occupied=occupied)
    placement.settle("")


def _iter_units(binary: GoBinary) -> Iterator[tuple[Unit, str]]:
    """Yield every unit, and why it is skipped if it is."""
    for unit in binary.dwarf.iter_units():
        reason = ""
        if unit.root_tag != dw.TAG_COMPILE_UNIT or unit.language != "go":
            reason = "unit: not Go"
        elif not unit.name:
            reason = "unit: no name"
        yield unit, reason


_TYPES = frozenset(
    (dw.TAG_STRUCTURE_TYPE, dw.TAG_BASE_TYPE, dw.TAG_TYPEDEF, dw.TAG_ARRAY_TYPE,
     dw.TAG_POINTER_TYPE, dw.TAG_SUBROUTINE_TYPE, dw.TAG_INTERFACE_TYPE)
)  # fmt: skip


class UnitScan:
    """The walk over one unit."""

    def __init__(
        self, binary: GoBinary, index: GoIndex, placement: Placement, unit: Unit, *, wanted: bool
    ) -> None:
        self._binary = binary
        self._index = index
        self._placement = placement
        self._unit = unit
        self._wanted = wanted
        self._reader = GoUnitReader(binary, unit)
        self._collector: InstanceCollector | None = None
        self._builder: FunctionBuilder | None = None
        self._name: FunctionName | None = None
        self._occupied = False

    def run(self) -> bool:
        """Scan the unit; tell whether its package has something to show for it."""
        budget = self._binary.dwarf.budget
        walk = Walk(self._unit, self._unit.first, BODY_TAGS | _TYPES)
        collector: InstanceCollector | None = None
        builder: FunctionBuilder | None = None
        seen = 1
        for die in walk:
            seen += 1
            if seen == STEP:
                budget.spend(seen)
                seen = 0
            if die.depth == 1:
                self._close()
                if not self._take(die):
                    walk.prune()
                collector, builder = self._collector, self._builder
            elif (
                collector is None
                or not (collector.stack or die.tag in INSTANCES)
                or not collector.feed(die)
            ) and builder is not None:
                builder.feed(die)
        self._close()
        budget.spend(seen)
        return self._occupied

    def _take(self, die: Die) -> bool:
        """Take a child of the unit; tell whether there is anything to look for below it."""
        if die.tag in _TYPES:
            self._add_type(die)
        return die.tag == dw.TAG_SUBPROGRAM and self._open(die)

    def _close(self) -> None:
        """Store the function that was open."""
        if self._collector is not None:
            self._collector.finish()
            self._collector = None
        if self._builder is not None and self._name is not None:
            position = self._index.store(self._builder.finish(self._name))
            entry = function_entry(self._name, EntryKind.CODE, position)
            self._index.add(self._unit.name, entry)
            self._builder = None

    def _add_type(self, die: Die) -> None:
        declared = declared_name(self._unit.text(die.attributes.get(dw.AT_NAME)))
        if declared is not None and self._binary.filter.admits_package(declared[0]):
            entry = Entry(declared[1], True, EntryKind.TYPE, "", die.offset)
            self._index.add(declared[0], entry)

    def _open(self, die: Die) -> bool:
        """Take a subprogram; tell whether there is anything to look for below it."""
        attributes = die.attributes
        if attributes.get(dw.AT_TRAMPOLINE) is not None:
            if self._wanted:
                self._binary.skipped["function: trampoline"] += 1
            return False
        if attributes.get(dw.AT_INLINE) == dw.INL_INLINED:
            self._add_definition(die)
            return False
        names = None
        is_instance = dw.AT_ABSTRACT_ORIGIN in attributes
        if not is_instance:
            names = self._reader.concrete(attributes, counting=self._wanted)
            if names is not None and "[" in names[0]:
                entry = function_entry(names[1], EntryKind.SHAPE, die.offset)
                self._index.add(names[1].package, entry)
                names = None
        own = self._wanted and names is not None
        self._occupied |= own
        return self._read(die, names if own else None, near=self._wanted and (own or is_instance))

    def _add_definition(self, die: Die) -> None:
        names = self._reader.name_of(die.attributes)
        if names is None:
            return
        name = names[1]
        if self._placement.add_definition(die.offset, name, wanted=self._wanted):
            self._occupied |= name.package == self._unit.name or not name.receiver

    def _read(self, die: Die, names: tuple[str, FunctionName] | None, *, near: bool) -> bool:
        """Begin with a function that has code; `names` if it has a scope of its own."""
        pc = self._unit.address(die.attributes)
        lines = None if pc is None else self._binary.lines.lines_at(pc)
        if names is not None:
            raw, self._name = names
            self._builder = open_function(self._binary, self._reader, die, lines, raw)
        if pc is None or not die.has_children:
            return False
        place = PhysicalFunction(self._unit, lines, near)
        find_origin = self._placement.find_origin
        self._collector = InstanceCollector(self._binary, self._index, find_origin, place)
        if dw.AT_ABSTRACT_ORIGIN in die.attributes:
            self._collector.feed(die)
        return True
