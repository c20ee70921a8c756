"""Which package delivers what, decided unit by unit in file order.

Which package delivers the definition of an inlined function? Two answers are known. The reference
output was made by an extractor that reports a function with the unit that holds its definition,
counting the instances of that unit alone, and only leaves methods of other packages out. Its
successor gives every definition to its own package and counts all instances. Option `inlines`
names the first `unit` and the second `index`. Under `unit`, what the reference leaves out (methods
of other packages, generic functions) is delivered as under `index`. An instance that counts for a
definition of the first kind is called near.

One more habit of the reference has to be kept under `unit`: units of a package that was delivered
already (a package has one for each assembly file) are not delivered again, and the definitions in
them go with the next unit that is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from harness.symbols.dwarf.dies import read_die
from harness.symbols.dwarf.units import Unit
from harness.symbols.go.binary import GoBinary, GoUnitReader
from harness.symbols.go.index import EntryKind, GoIndex, function_entry
from harness.symbols.go.inlined import Origin
from harness.symbols.go.names import FunctionName

STAGE = "extraction"

_ORIGINS = 4096


class _Pending(NamedTuple):
    """A definition whose unit's package is not known to be delivered yet."""

    offset: int
    name: FunctionName


class Placement:
    """Gives every definition to a package, and tells what counts for it."""

    def __init__(self, binary: GoBinary, index: GoIndex) -> None:
        self._binary = binary
        self._index = index
        self._by_unit = binary.options.inlines == "unit"
        self._delivered: set[str] = set()
        self._pending: list[_Pending] = []
        self._group_start = 0
        self._unit_end = 0
        self._origins: dict[int, Origin | None] = {}
        self._firsts: dict[str, int] = {}

    def look_ahead(self, units: Iterable[Unit]) -> None:
        """Note the first unit of each package: those are certain to be delivered."""
        for unit in units:
            if self._binary.filter.admits_package(unit.name):
                self._firsts.setdefault(unit.name, unit.offset)

    def begin(self, unit: Unit) -> bool:
        """Begin a unit; tell whether its package is wanted."""
        # What counts as near depends on where the unit ends.
        self._origins.clear()
        self._unit_end = unit.end
        wanted = self._binary.filter.admits_package(unit.name)
        if wanted:
            self._index.packages[self._index.number_of(unit.name)].units.append(unit.offset)
        return wanted

    def end(self, unit: Unit, *, occupied: bool) -> None:
        """End a unit whose package is wanted; `occupied` if it has something to show for it."""
        if unit.name in self._delivered:
            return
        if occupied or self._pending:
            self._delivered.add(unit.name)
        self.settle(unit.name)
        self._group_start = unit.end

    def settle(self, package: str) -> None:
        """Decide who delivers the pending definitions, now that `package` is delivered or none."""
        for offset, name in self._pending:
            near = bool(package) and (not name.receiver or name.package == package)
            kind = EntryKind.NEAR_DEFINITION if near else EntryKind.FAR_DEFINITION
            self._index.add(package if near else name.package, function_entry(name, kind, offset))
        self._pending.clear()

    def add_definition(self, offset: int, name: FunctionName, *, wanted: bool) -> bool:
        """Record a definition; tell whether its unit's package may have it to show."""
        if self._by_unit and wanted and "[" not in name.qualified:
            self._pending.append(_Pending(offset, name))
            return True
        self._index.add(name.package, function_entry(name, EntryKind.FAR_DEFINITION, offset))
        return wanted and not self._by_unit

    def find_origin(self, offset: int) -> Origin | None:
        """Return the definition at an offset, None if it is not one to show."""
        if offset not in self._origins:
            if len(self._origins) >= _ORIGINS:
                self._origins.clear()
            self._origins[offset] = self._read_origin(offset)
        return self._origins[offset]

    def _read_origin(self, offset: int) -> Origin | None:
        if offset < 0:
            return None
        unit = self._binary.dwarf.unit_of(offset)
        names = GoUnitReader(self._binary, unit).name_of(read_die(unit, offset).attributes)
        if names is None:
            return None
        raw, name = names
        near = self._group_start <= offset < self._unit_end and "[" not in raw
        return Origin(raw, near, self._is_only_near(unit, name))

    def _is_only_near(self, unit: Unit, name: FunctionName) -> bool:
        """Tell whether a definition in this unit is certain to be delivered with a unit."""
        first = self._firsts.get(unit.name)
        if not self._by_unit or first is None or "[" in name.qualified:
            return False
        if name.receiver:
            return first == unit.offset and name.package == unit.name
        # Any first unit from this one on delivers it; they were noted in file order.
        return unit.offset <= self._firsts[next(reversed(self._firsts))]
