"""The packages of a Go binary, each read one child at a time from an index of names and places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from harness.config import SymbolOptions
from harness.model import Scope
from harness.symbols.dwarf.dies import read_die
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.go.binary import GoBinary, GoUnitReader, open_binary
from harness.symbols.go.functions import read_definition, read_function
from harness.symbols.go.index import Entry, EntryKind, GoIndex
from harness.symbols.go.prepass import build_index
from harness.symbols.go.types import read_fields
from harness.symbols.scopes import type_scope

STAGE = "extraction"


def iter_go_contents(
    dwarf: Dwarf, options: SymbolOptions, skipped: Counter[str]
) -> Iterator[tuple[str, str, Iterator[Scope]]]:
    """Yield name, language and children of each package, in the order of their first unit.

    Raises:
        InputRejected: The binary lacks build information or a line table, or is damaged.
    """
    binary = open_binary(dwarf, options, skipped)
    index = build_index(binary)
    try:
        for number in index.order():
            children = PackageReader(binary, index, number).iter_children()
            yield index.packages[number].name, "go", children
    finally:
        index.close()


class PackageReader:
    """Lists what a package holds, then reads it child by child."""

    def __init__(self, binary: GoBinary, index: GoIndex, number: int) -> None:
        self._binary = binary
        self._index = index
        self._number = number
        self._reader: GoUnitReader | None = None

    def iter_children(self) -> Iterator[Scope]:
        """Yield functions and types in one sequence, sorted by name."""
        entries = self._list_entries()
        entries.sort()
        for (name, in_type), group in groupby(entries, lambda entry: (entry.name, entry.in_type)):
            if in_type:
                yield self._read_type(name, list(group))
                continue
            for entry in group:
                scope = self._read_function(entry)
                if scope is not None:
                    yield scope

    def _list_entries(self) -> list[Entry]:
        """List everything, and one shape of each generic function: the first."""
        entries: list[Entry] = []
        seen: set[str] = set()
        for entry in self._index.entries(self._number):
            if entry.kind == EntryKind.SHAPE:
                if entry.shape_of in seen:
                    continue
                seen.add(entry.shape_of)
            entries.append(entry)
        return entries

    def _read_type(self, name: str, entries: list[Entry]) -> Scope:
        types = [entry.place for entry in entries if entry.kind == EntryKind.TYPE]
        methods = [self._read_function(entry) for entry in entries if entry.kind != EntryKind.TYPE]
        fields = read_fields(self._binary, types)
        scope = type_scope(name, fields)
        scope.scopes = [method for method in methods if method is not None]
        return scope

    def _read_function(self, entry: Entry) -> Scope | None:
        if entry.kind == EntryKind.CODE:
            return self._index.stored(entry.place)
        if entry.kind == EntryKind.SHAPE:
            reader = self._reader_at(entry.place)
            return read_function(self._binary, reader, read_die(reader.unit, entry.place))
        return read_definition(self._binary, self._index, entry)

    def _reader_at(self, offset: int) -> GoUnitReader:
        """Return the reader of the unit at an offset; most functions are in one unit."""
        if self._reader is None or not self._reader.unit.offset <= offset < self._reader.unit.end:
            self._reader = GoUnitReader(self._binary, self._binary.dwarf.unit_of(offset))
        return self._reader
