"""What the pre-pass over all units leaves behind: what every package holds, and where.

Go's linker scatters a package: shapes of generic functions lie with whoever instantiated them,
definitions of inlined functions with whoever inlined them first, types in one unit for all. The
index brings them back together, as sorted keys in files: a key is a package number, or the origin
of an inlined instance, and the position of a record.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from msgspec import Struct, msgpack

from harness.errors import InputRejected
from harness.model import Scope
from harness.sharing import StringPool
from harness.symbols.go.names import FunctionName
from harness.symbols.instances import StoredInstances
from harness.symbols.spill import Records, SortedKeys

STAGE = {"": "extraction", "stored": "scope tree"}

_POSITION_BITS = 40
_MOST_PACKAGES = 1 << (64 - _POSITION_BITS)


class EntryKind(IntEnum):
    """What an entry leads to; methods and definitions follow the type and the code they go with."""

    TYPE = 0
    CODE = 1
    SHAPE = 2
    FAR_DEFINITION = 3
    NEAR_DEFINITION = 4


class Entry(Struct, array_like=True, order=True, frozen=True, gc=False):
    """One line of a package's index; the order of the fields is the order of delivery.

    Attributes:
        name: Of the child of the package: methods stand under the name of their type.
        in_type: Whether the child is a type.
        kind: What `place` leads to.
        method: Name of a method that is sorted by it: an inlined one.
        place: Offset of a debugging entry; of code, position of the stored scope.
        shape_of: Qualified name of a generic function, if this is one of its shapes.
    """

    name: str
    in_type: bool
    kind: int
    method: str
    place: int
    shape_of: str = ""


def function_entry(name: FunctionName, kind: EntryKind, place: int) -> Entry:
    """Return the entry of a function or method."""
    shape_of = name.qualified if kind is EntryKind.SHAPE else ""
    if not name.receiver:
        return Entry(name.name, False, kind, "", place, shape_of)
    # Methods with code keep the order of the file, inlined ones are sorted by name.
    method = name.name if kind > EntryKind.SHAPE else ""
    return Entry(f"{name.package}.{name.receiver}", True, kind, method, place, shape_of)


@dataclass(slots=True)
class PackageUnits:
    """One package: its name, and the offsets of its units, in file order."""

    name: str
    units: array[int] = field(default_factory=lambda: array("Q"))
    has_functions: bool = False


class GoIndex:
    """Packages, their entries, stored scopes and stored instances."""

    def __init__(self) -> None:
        self.packages: list[PackageUnits] = []
        self._numbers: dict[str, int] = {}
        self._entries = SortedKeys()
        self._listed = Records()  # read one after the other, so not among the scopes
        self._scopes = Records()
        self.instances = StoredInstances()
        self._strings = StringPool()

    def number_of(self, package: str) -> int:
        """Return the number of a package, a new one for a new name."""
        number = self._numbers.get(package)
        if number is None:
            number = self._numbers[package] = len(self.packages)
            if number >= _MOST_PACKAGES:
                raise InputRejected("more packages than any program has", section=".debug_info")
            self.packages.append(PackageUnits(package))
        return number

    def add(self, package: str, entry: Entry) -> None:
        """Record what a package delivers."""
        number = self.number_of(package)
        if entry.kind != EntryKind.TYPE:
            self.packages[number].has_functions = True
        position = self._listed.append(_encode(entry))
        self._entries.add(number << _POSITION_BITS | position)

    def store(self, scope: Scope) -> int:
        """Store a function that is done with, and return its position."""
        return self._scopes.append(_encode(scope))

    def order(self) -> list[int]:
        """Return the numbers of the packages to deliver, in the order of their first unit.

        Packages without units come last, if they have functions: all of those were inlined, or
        instantiated, elsewhere.
        """
        packages = self.packages
        numbers = range(len(packages))
        placed = [number for number in numbers if packages[number].units]
        placed.sort(key=lambda number: packages[number].units[0])
        homeless = [number for number in numbers if not packages[number].units]
        return placed + [number for number in homeless if packages[number].has_functions]

    def seal(self) -> None:
        """Sort everything; nothing may be added after."""
        for part in (self._entries, self._listed, self._scopes, self.instances):
            part.seal()

    def entries(self, package: int) -> Iterator[Entry]:
        """Yield the entries of a package in the order in which they were added."""
        base = package << _POSITION_BITS
        for key in self._entries.iter_range(base, base + (1 << _POSITION_BITS)):
            yield _decode_entry(self._listed.read(key - base))

    def stored(self, position: int) -> Scope:
        """Return a stored scope, its strings shared with those read before it."""
        return self._strings.share(_decode_scope(self._scopes.read(position)))

    def close(self) -> None:
        """Give the files back."""
        for part in (self._entries, self._listed, self._scopes, self.instances):
            part.close()


_encode = msgpack.Encoder().encode
_decode_entry = msgpack.Decoder(Entry).decode
_decode_scope = msgpack.Decoder(Scope).decode
