"""Go types: their names and sizes by offset, and the scopes of those that source code declares."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from harness.model import Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, iter_children, read_die
from harness.symbols.dwarf.units import Dwarf, Unit
from harness.symbols.go.names import (
    MalformedNameError,
    canonical_generics,
    canonical_type_name,
    split_package,
    unescape_path,
    unescape_type_name,
)

if TYPE_CHECKING:
    from harness.symbols.go.binary import GoBinary

STAGE = {
    "": "extraction",
    "read_fields": "scope tree",
    "_list_fields": "scope tree",
}

_GO_STRUCT = 25
"""Kind of a struct that source code wrote as one; slices, strings and interfaces are others."""

_MEMBERS = frozenset((dw.TAG_MEMBER,))


def read_fields(binary: GoBinary, offsets: list[int]) -> list[Symbol]:
    """Return the fields of a type, given the entries of its name (one for each instantiation).

    A field whose type is not the same everywhere depends on type arguments and shows as `<T>`.
    """
    types: dict[tuple[str, int], str] = {}
    for offset in offsets:
        seen: Counter[str] = Counter()
        for name, field_type in _list_fields(binary, offset):
            # A struct may have several fields named "_".
            key = (name, seen[name])
            seen[name] += 1
            if types.setdefault(key, field_type) != field_type:
                types[key] = PARAMETRIC
    return [
        Symbol(name=name, type=field_type, symbol_type="field")
        for (name, _), field_type in types.items()
    ]


def _list_fields(binary: GoBinary, offset: int) -> list[tuple[str, str]]:
    unit = binary.dwarf.unit_of(offset)
    die = read_die(unit, offset)
    kind = die.attributes.get(dw.AT_GO_KIND)
    if die.tag != dw.TAG_STRUCTURE_TYPE or kind != _GO_STRUCT or not die.has_children:
        return []
    fields: list[tuple[str, str]] = []
    for member in iter_children(unit, offset, _MEMBERS):
        target = member.attributes.get(dw.AT_TYPE)
        if target is None:
            binary.skipped["field: no type"] += 1
            continue
        name = unit.text(member.attributes.get(dw.AT_NAME))
        fields.append((name, canonical_type_name(binary.types.raw_name(target))))
    return fields


PARAMETRIC = "<T>"
"""Shown for a type that depends on type arguments."""

_PARAMETER = ".param"
_CACHED = 2048
_MOST_STEPS = 32
_POINTER_SIZED = (dw.TAG_POINTER_TYPE, dw.TAG_SUBROUTINE_TYPE)


class TypeInfo(NamedTuple):
    """A type as a variable shows it, and its name as DWARF has it.

    The size is in bytes, -1 if it cannot be told.
    """

    name: str
    size: int
    raw: str


class GoTypeNames:
    """Types by offset; the last few thousand are kept."""

    def __init__(self, dwarf: Dwarf) -> None:
        self._dwarf = dwarf
        self._known: OrderedDict[int, TypeInfo] = OrderedDict()

    def info(self, offset: int) -> TypeInfo:
        """Return name and size of the type at an offset."""
        found = self._known.get(offset)
        if found is None:
            found = self._read(offset)
            self._known[offset] = found
            if len(self._known) > _CACHED:
                self._known.popitem(last=False)
        return found

    def size(self, offset: int) -> int:
        """Return the size of the type at an offset, -1 if it cannot be told."""
        return self.info(offset).size

    def raw_name(self, offset: int) -> str:
        """Return the name of the type at an offset as DWARF has it."""
        return self.info(offset).raw

    def size_of_variable(self, offset: int) -> int:
        """Return the size of the type of the variable at an offset, -1 if it cannot be told."""
        target = read_die(self._dwarf.unit_of(offset), offset).attributes.get(dw.AT_TYPE)
        return -1 if target is None else self.info(target).size

    def _read(self, offset: int) -> TypeInfo:
        unit = self._dwarf.unit_of(offset)
        die = read_die(unit, offset)
        name = unit.text(die.attributes.get(dw.AT_NAME))
        return TypeInfo(shown_type_name(name), self._size(unit, die), name)

    def _size(self, unit: Unit, die: Die) -> int:
        for _ in range(_MOST_STEPS):
            if dw.AT_BYTE_SIZE in die.attributes:
                return int(die.attributes[dw.AT_BYTE_SIZE])
            if die.tag in _POINTER_SIZED:
                return unit.layout.address_size
            target = die.attributes.get(dw.AT_TYPE)
            if die.tag != dw.TAG_TYPEDEF or target is None:
                return -1
            unit = self._dwarf.unit_of(target)
            die = read_die(unit, target)
        return -1


def shown_type_name(name: str) -> str:
    """Return the name that a variable of this type shows.

    A name whose escapes are damaged is shown as it is: it still tells more than nothing.
    """
    if name.startswith(_PARAMETER):
        return PARAMETRIC
    try:
        return canonical_type_name(unescape_type_name(name))
    except MalformedNameError:
        return name


def declared_name(name: str) -> tuple[str, str] | None:
    """Return package and qualified name of a type that source code declares; None for others.

    Instantiations of one generic type have one name. Types without a name of their own (slices,
    maps, functions, structs in place) and those that the runtime makes up have none.
    """
    if "{" in name or "<" in name:
        return None
    escaped, local = split_package(name)
    if not escaped or not local:
        return None
    try:
        package = unescape_path(escaped)
    except MalformedNameError:
        return None
    return package, f"{package}.{canonical_generics(local)}"
