"""The children of one Go package: an index of names and offsets, decoded one child at a time."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from itertools import groupby
from typing import NamedTuple

from harness.errors import InputRejected
from harness.model import Scope
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, Walk, read_die
from harness.symbols.dwarf.units import Unit
from harness.symbols.go.binary import INLINED, GoBinary, UnitReader
from harness.symbols.go.functions import FunctionReader, read_definition
from harness.symbols.go.index import Definition, GoIndex
from harness.symbols.go.names import FunctionName, parse_function_name
from harness.symbols.go.typenames import declared_name
from harness.symbols.go.types import read_fields, type_scope

_SUBPROGRAMS = frozenset((dw.TAG_SUBPROGRAM,))


class _Kind(IntEnum):
    """What an entry leads to; methods and definitions follow the type and the code they go with."""

    TYPE = 0
    CODE = 1
    FAR_DEFINITION = 2
    NEAR_DEFINITION = 3


class _Entry(NamedTuple):
    """One line of a package's index; the order of the fields is the order of delivery."""

    name: str
    in_type: bool
    kind: _Kind
    method: str
    offset: int


class PackageReader:
    """Lists what a package holds, then reads it child by child.

    Args:
        binary: The open binary.
        index: The sealed index.
        number: The package's number in the index.
    """

    def __init__(self, binary: GoBinary, index: GoIndex, number: int) -> None:
        self._binary = binary
        self._index = index
        self._number = number
        self._reader: UnitReader | None = None

    def iter_children(self) -> Iterator[Scope]:
        """Yield functions and types in one sequence, sorted by name."""
        entries = self._list_entries()
        entries.sort()
        for (name, in_type), group in groupby(entries, lambda entry: (entry[0], entry[1])):
            if in_type:
                yield self._read_type(name, list(group))
                continue
            for entry in group:
                scope = self._read_function(entry)
                if scope is not None:
                    yield scope

    def _list_entries(self) -> list[_Entry]:
        entries: list[_Entry] = []
        for start in self._index.packages[self._number].units:
            self._list_unit(start, entries)
        self._list_generics(entries)
        for definition in self._index.definitions(self._number):
            kind = _Kind.NEAR_DEFINITION if definition.near else _Kind.FAR_DEFINITION
            name = self._parse(definition.offset)
            entries.append(_entry(name, kind, definition.offset))
        for offset in self._index.types(self._number):
            unit = self._binary.dwarf.unit_of(offset)
            declared = declared_name(unit.text(read_die(unit, offset).attributes[dw.AT_NAME]))
            if declared is not None:
                entries.append(_Entry(declared[1], True, _Kind.TYPE, "", offset))
        return entries

    def _list_unit(self, start: int, entries: list[_Entry]) -> None:
        """List the functions with code of their own, generic ones excepted."""
        unit = self._binary.dwarf.unit_of(start)
        reader = UnitReader(self._binary, unit, counting=True)
        walk = Walk(unit, unit.first, _SUBPROGRAMS)
        for die in walk:
            walk.prune()
            attributes = die.attributes
            if attributes.get(dw.AT_TRAMPOLINE) is not None:
                self._binary.skip("function: trampoline")
            elif (
                attributes.get(dw.AT_INLINE) != INLINED
                and dw.AT_ABSTRACT_ORIGIN not in attributes
                and (names := reader.concrete(attributes)) is not None
                and "[" not in names[0]
            ):
                entries.append(_entry(names[1], _Kind.CODE, die.offset))

    def _list_generics(self, entries: list[_Entry]) -> None:
        """List one shape of each generic function: the first."""
        seen: set[str] = set()
        for offset in self._index.generics(self._number):
            name = self._parse(offset)
            if name.qualified not in seen:
                seen.add(name.qualified)
                entries.append(_entry(name, _Kind.CODE, offset))

    def _reader_at(self, offset: int) -> UnitReader:
        """Return the reader of the unit at an offset; most functions are in one unit."""
        if self._reader is None or not self._reader.unit.offset <= offset < self._reader.unit.end:
            unit = self._binary.dwarf.unit_of(offset)
            self._reader = UnitReader(self._binary, unit, counting=False)
        return self._reader

    def _parse(self, offset: int) -> FunctionName:
        unit = self._binary.dwarf.unit_of(offset)
        return _names(unit, read_die(unit, offset))[1]

    def _read_type(self, name: str, entries: list[_Entry]) -> Scope:
        types = [entry.offset for entry in entries if entry.kind is _Kind.TYPE]
        methods = [self._read_function(entry) for entry in entries if entry.kind is not _Kind.TYPE]
        fields = read_fields(self._binary, types)
        return type_scope(name, fields, [method for method in methods if method is not None])

    def _read_function(self, entry: _Entry) -> Scope | None:
        reader = self._reader_at(entry.offset)
        die = read_die(reader.unit, entry.offset)
        raw, name = _names(reader.unit, die)
        if entry.kind is _Kind.CODE:
            return FunctionReader(self._binary, reader, die).read(raw, name)
        near = entry.kind is _Kind.NEAR_DEFINITION
        return read_definition(self._binary, self._index, Definition(entry.offset, near), name)


def _names(unit: Unit, die: Die) -> tuple[str, FunctionName]:
    """Return raw and parsed name of an entry that was listed because it has them."""
    raw = unit.text(die.attributes.get(dw.AT_NAME))
    parsed = parse_function_name(raw)
    if not isinstance(parsed, FunctionName):
        raise InputRejected(f"{raw!r} is no function name", offset=die.offset)
    return raw, parsed


def _entry(name: FunctionName, kind: _Kind, offset: int) -> _Entry:
    if not name.receiver:
        return _Entry(name.name, False, kind, "", offset)
    # Methods with code keep the order of the file, inlined ones are sorted by name.
    method = "" if kind is _Kind.CODE else name.name
    return _Entry(f"{name.package}.{name.receiver}", True, kind, method, offset)
