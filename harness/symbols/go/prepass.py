"""The pre-pass: one walk over every unit, which fills the index and stores all inlined instances.

Which package delivers the definition of an inlined function? Two answers are known. The reference
output was made by an extractor that reports a function with the unit that holds its definition,
counting the instances of that unit alone, and only leaves methods of other packages out. Its
successor gives every definition to its own package and counts all instances. Option `inlines`
names the first `unit` and the second `index`. Under `unit`, what the reference leaves out (methods
of other packages, generic functions) is delivered as under `index`.

One more habit of the reference has to be kept under `unit`: units of a package that was delivered
already (a package has one for each assembly file) are not delivered again, and the definitions in
them go with the next unit that is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from harness.config import Limits
from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, Walk, read_die
from harness.symbols.dwarf.units import Unit
from harness.symbols.go.binary import INLINED, GoBinary, UnitReader
from harness.symbols.go.index import Definition, GoIndex
from harness.symbols.go.inlined import (
    Exchange,
    Instance,
    InstanceCollector,
    Origin,
    Place,
    encode_instance,
)
from harness.symbols.go.names import FunctionName
from harness.symbols.go.typenames import declared_name

_TYPES = frozenset(
    (dw.TAG_STRUCTURE_TYPE, dw.TAG_BASE_TYPE, dw.TAG_TYPEDEF, dw.TAG_ARRAY_TYPE,
     dw.TAG_POINTER_TYPE, dw.TAG_SUBROUTINE_TYPE, dw.TAG_INTERFACE_TYPE)
)  # fmt: skip
_CODE = frozenset((dw.TAG_SUBPROGRAM, dw.TAG_INLINED_SUBROUTINE, dw.TAG_LEXICAL_BLOCK,
                   dw.TAG_FORMAL_PARAMETER, dw.TAG_VARIABLE))  # fmt: skip
_ORIGINS = 4096
_CHECK_ENTRIES = 16 * 1024


@dataclass(frozen=True, slots=True)
class _Pending:
    """A definition whose unit's package is not known to be delivered yet."""

    offset: int
    package: str
    is_method: bool


def build_index(binary: GoBinary) -> GoIndex:
    """Walk all units of the binary and return the sealed index; the caller closes it."""
    index = GoIndex()
    try:
        _PrePass(binary, index).run()
        index.seal()
    except BaseException:
        index.close()
        raise
    return index


class _Budget:
    """What the pre-pass may still take: it sees all of the input before anything is delivered."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entries = 0
        self._deadline = time.monotonic() + limits.wall_s

    def spend(self, entries: int) -> None:
        """Count entries; raise InputRejected once there are too many, or too much time is gone."""
        self._entries += entries
        if self._entries > self._limits.dies:
            raise InputRejected(f"more than {self._limits.dies} entries", section=".debug_info")
        if time.monotonic() > self._deadline:
            raise InputRejected(f"still not read after {self._limits.wall_s:g} s")


class _PrePass:
    def __init__(self, binary: GoBinary, index: GoIndex) -> None:
        self._binary = binary
        self._index = index
        self._by_unit = binary.options.inlines == "unit"
        self.budget = _Budget(binary.options.limits)
        self._delivered: set[str] = set()
        self._pending: list[_Pending] = []
        self._group_start = 0
        self._origins: dict[int, Origin | None] = {}

    def run(self) -> None:
        for unit in self._binary.dwarf.iter_units():
            if unit.root_tag != dw.TAG_COMPILE_UNIT or unit.language != "go":
                self._binary.skip("unit: not Go")
                continue
            if not unit.name:
                self._binary.skip("unit: no name")
                continue
            self.budget.spend(1)
            self._scan(unit)
        self._settle("")

    def _scan(self, unit: Unit) -> None:
        # What counts as near depends on where the unit ends.
        self._origins.clear()
        package = unit.name
        wanted = self._binary.filter.admits_package(package)
        if wanted:
            self._index.packages[self._index.number_of(package)].units.append(unit.offset)
        scan = _UnitScan(self, self._binary, unit, wanted)
        occupied = scan.run()
        if not wanted or package in self._delivered:
            return
        if occupied or self._pending:
            self._delivered.add(package)
        self._settle(package)
        self._group_start = unit.end

    def _settle(self, package: str) -> None:
        """Decide who delivers the pending definitions, now that `package` is delivered or none."""
        for pending in self._pending:
            near = bool(package) and (not pending.is_method or pending.package == package)
            home = self._index.number_of(package if near else pending.package)
            self._index.add_definition(home, Definition(pending.offset, near))
        self._pending.clear()

    def add_definition(self, offset: int, name: FunctionName, wanted: bool) -> bool:
        """Record a definition; tell whether its unit's package may have it to show."""
        if not self._by_unit or not wanted or "[" in name.qualified:
            home = self._index.number_of(name.package)
            self._index.add_definition(home, Definition(offset, near=False))
            return not self._by_unit and wanted
        self._pending.append(_Pending(offset, name.package, bool(name.receiver)))
        return True

    def add_generic(self, offset: int, name: FunctionName) -> None:
        """Record a shape of a generic function."""
        self._index.add_generic(self._index.number_of(name.package), offset)

    def add_type(self, offset: int, package: str) -> None:
        """Record a type under the package that declares it."""
        if self._binary.filter.admits_package(package):
            self._index.add_type(self._index.number_of(package), offset)

    def store(self, origin: int, instance: Instance) -> None:
        """Store what an instance contributes."""
        self._index.add_instance(origin, encode_instance(instance))

    def find_origin(self, offset: int, end: int) -> Origin | None:
        """Return the definition at an offset, None if it is not one to show."""
        if offset not in self._origins:
            if len(self._origins) >= _ORIGINS:
                self._origins.clear()
            self._origins[offset] = self._read_origin(offset, end)
        return self._origins[offset]

    def _read_origin(self, offset: int, end: int) -> Origin | None:
        if offset < 0:
            return None
        unit = self._binary.dwarf.unit_of(offset)
        names = UnitReader(self._binary, unit, counting=False).name_of(
            read_die(unit, offset).attributes
        )
        if names is None:
            return None
        near = self._group_start <= offset < end and "[" not in names[0]
        return Origin(names[0], near)


class _UnitScan:
    """The walk over one unit."""

    def __init__(self, parent: _PrePass, binary: GoBinary, unit: Unit, wanted: bool) -> None:
        self._parent = parent
        self._binary = binary
        self._unit = unit
        self._wanted = wanted
        self._budget = parent.budget
        self._reader = UnitReader(self._binary, unit, counting=False)
        self._collector: InstanceCollector | None = None
        self._occupied = False

    def run(self) -> bool:
        """Scan the unit; tell whether its package has something to show for it."""
        walk = Walk(self._unit, self._unit.first, _CODE | _TYPES)
        for number, die in enumerate(walk, 1):
            if number % _CHECK_ENTRIES == 0:
                self._budget.spend(_CHECK_ENTRIES)
            if die.tag in _TYPES:
                self._add_type(die)
            elif die.depth == 1:
                self._close()
                if die.tag == dw.TAG_SUBPROGRAM and not self._open(die):
                    walk.prune()
            elif self._collector is not None:
                self._collector.feed(die)
        self._close()
        return self._occupied

    def _close(self) -> None:
        if self._collector is not None:
            self._collector.finish()
            self._collector = None

    def _add_type(self, die: Die) -> None:
        declared = declared_name(self._unit.text(die.attributes.get(dw.AT_NAME)))
        if declared is not None:
            self._parent.add_type(die.offset, declared[0])

    def _open(self, die: Die) -> bool:
        """Take a subprogram; tell whether there may be instances below it."""
        attributes = die.attributes
        if attributes.get(dw.AT_TRAMPOLINE) is not None:
            return False
        if attributes.get(dw.AT_INLINE) == INLINED:
            names = self._reader.name_of(attributes)
            if names is not None and self._parent.add_definition(
                die.offset, names[1], self._wanted
            ):
                own = names[1].package == self._unit.name
                self._occupied |= own or not names[1].receiver
            return False
        near = self._wanted
        if dw.AT_ABSTRACT_ORIGIN not in attributes:
            names = self._reader.concrete(attributes)
            near = near and names is not None and "[" not in names[0]
            self._occupied |= near
            if names is not None and "[" in names[0]:
                self._parent.add_generic(die.offset, names[1])
        self._collect(die, near)
        return True

    def _collect(self, die: Die, near: bool) -> None:
        pc = self._unit.address(die.attributes)
        if pc is None or not die.has_children:
            return
        end = self._unit.end
        exchange = Exchange(
            lambda offset: self._parent.find_origin(offset, end), self._parent.store
        )
        self._collector = InstanceCollector(self._binary, exchange, Place(self._unit, pc, near))
        if dw.AT_ABSTRACT_ORIGIN in die.attributes:
            self._collector.feed(die)
