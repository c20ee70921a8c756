"""What the pre-pass over all units leaves behind: where everything of a package is.

Go's linker scatters a package: shapes of generic functions lie with whoever instantiated them,
definitions of inlined functions with whoever inlined them first, types in one unit for all. The
index brings them back together, as sorted keys in files: a key is a package number, an offset and
a flag, or an origin and the position of a stored instance.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from harness.errors import InputRejected
from harness.symbols.go.spill import Records, SortedKeys

_OFFSET_BITS = 40
_ORIGIN_BITS = 32
_MOST_PACKAGES = 1 << (63 - _OFFSET_BITS)


class Definition(NamedTuple):
    """The definition of an inlined function. `near` means: only near instances count."""

    offset: int
    near: bool


@dataclass(slots=True)
class PackageUnits:
    """One package: its name, and the offsets of its units, in file order."""

    name: str
    units: array[int] = field(default_factory=lambda: array("Q"))


class GoIndex:
    """Packages, and sorted keys by package."""

    def __init__(self) -> None:
        self.packages: list[PackageUnits] = []
        self._numbers: dict[str, int] = {}
        self._definitions = SortedKeys()
        self._generics = SortedKeys()
        self._types = SortedKeys()
        self._instances = SortedKeys()
        self._records = Records()

    def number_of(self, package: str) -> int:
        """Return the number of a package, a new one for a new name."""
        number = self._numbers.get(package)
        if number is None:
            number = self._numbers[package] = len(self.packages)
            if number >= _MOST_PACKAGES:
                raise InputRejected("more packages than any program has", section=".debug_info")
            self.packages.append(PackageUnits(package))
        return number

    def add_definition(self, package: int, definition: Definition) -> None:
        """Record which package delivers a definition."""
        self._definitions.add(_key(package, definition.offset) | definition.near)

    def add_generic(self, package: int, offset: int) -> None:
        """Record a shape of a generic function of the package."""
        self._generics.add(_key(package, offset))

    def add_type(self, package: int, offset: int) -> None:
        """Record a type that the package declares."""
        self._types.add(_key(package, offset))

    def add_instance(self, origin: int, record: bytes) -> None:
        """Record an instance of the definition at `origin`."""
        position = self._records.append(record)
        if max(origin, position) >= 1 << _ORIGIN_BITS:
            raise InputRejected("more than 4 GiB of debug information", section=".debug_info")
        self._instances.add(origin << _ORIGIN_BITS | position)

    def order(self) -> list[int]:
        """Return the numbers of the packages to deliver, in the order of their first unit.

        Packages without units come last, if they have functions: all of those were inlined, or
        instantiated, elsewhere.
        """
        numbers = range(len(self.packages))
        placed = [number for number in numbers if self.packages[number].units]
        placed.sort(key=lambda number: self.packages[number].units[0])
        placed += [number for number in numbers if self._is_homeless(number)]
        return placed

    def _is_homeless(self, number: int) -> bool:
        if self.packages[number].units:
            return False
        functions = chain(self.definitions(number), self.generics(number))
        return next(functions, None) is not None

    def seal(self) -> None:
        """Sort everything; nothing may be added after."""
        for keys in (self._definitions, self._generics, self._types, self._instances):
            keys.seal()
        self._records.seal()

    def definitions(self, package: int) -> Iterator[Definition]:
        """Yield the definitions that the package delivers, by offset."""
        for key in _of(self._definitions, package):
            yield Definition(key >> 1, bool(key & 1))

    def generics(self, package: int) -> Iterator[int]:
        """Yield the offsets of the shapes of the package's generic functions."""
        return (key >> 1 for key in _of(self._generics, package))

    def types(self, package: int) -> Iterator[int]:
        """Yield the offsets of the types that the package declares."""
        return (key >> 1 for key in _of(self._types, package))

    def instances(self, origin: int) -> Iterator[bytes]:
        """Yield the stored instances of a definition, in file order."""
        mask = (1 << _ORIGIN_BITS) - 1
        for key in self._instances.iter_range(origin << _ORIGIN_BITS, (origin + 1) << _ORIGIN_BITS):
            yield self._records.read(key & mask)

    def close(self) -> None:
        """Give the files back."""
        for keys in (self._definitions, self._generics, self._types, self._instances):
            keys.close()
        self._records.close()


def _key(package: int, offset: int) -> int:
    return package << _OFFSET_BITS | offset << 1


def _of(keys: SortedKeys, package: int) -> Iterator[int]:
    """Yield the keys of a package without its number."""
    base = package << _OFFSET_BITS
    return (key - base for key in keys.iter_range(base, base + (1 << _OFFSET_BITS)))
