"""Extraction through pyelftools: the same output by the general library, to measure ours against.

Everything that decodes DWARF in the fast reader is replaced by what asks pyelftools' public
objects: entries, abbreviations, ranges, locations, line programs and their file tables. What is
built on them stays, and so does what pyelftools cannot read at all: Go's pclntab. The replacement
is kept lean, so that its own cost says little: which attributes are wanted, and what they become,
is worked out once for each abbreviation. Declarations are read by ours beside: they say which
units have to be walked at all. pyelftools keeps its caches: it is faster, and larger.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.elf.elffile import ELFFile

from harness.symbols.dwarf import dies, linehead, lines, lists
from harness.symbols.dwarf.abbrev import wanted_of
from harness.symbols.dwarf.dies import Die, Walk
from harness.symbols.dwarf.linehead import FileEntry
from harness.symbols.dwarf.lines import LineTable
from harness.symbols.dwarf.lists import Places
from harness.symbols.dwarf.units import Unit
from harness.symbols.lines import Range
from harness.tests.symbols import oracle


class _Plan(NamedTuple):
    """What entries of one abbreviation become: their tag, and which attributes how."""

    tag: int
    wanted: list[tuple[str, int, Callable[[Any, int], Any]]]


class _Reference:
    """pyelftools' view of one file."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("rb")  # noqa: SIM115 - as long-lived as the benchmark
        self.dwarf: DWARFInfo = ELFFile(self._file).get_dwarf_info()

    def entry(self, unit: Unit, offset: int) -> DIE:
        """Return the entry at an offset of .debug_info."""
        return self.dwarf.get_CU_at(unit.offset).get_DIE_from_refaddr(offset)


class _Route:
    """The replacements. Entries handed out are remembered beside their attributes."""

    def __init__(self) -> None:
        self._references: dict[str, _Reference] = {}
        self._plans: dict[tuple[int, int], _Plan] = {}

    def reference(self, unit: Unit) -> _Reference:
        path = unit.dwarf.elf.path
        if path not in self._references:
            self._references[path] = _Reference(path)
        return self._references[path]

    def read_die(self, unit: Unit, offset: int) -> Die:
        return self._convert(self.reference(unit).entry(unit, offset), 0)

    def walk(self, walk: Walk) -> Iterator[Die]:
        unit, tags, into = walk._unit, walk._tags, walk._into
        stack = [(self.reference(unit).entry(unit, walk._start), 0)]
        highest = deepest = 1 << 30
        while stack:
            entry, depth = stack.pop()
            highest = min(highest, depth)
            tag, entered = self._plan(entry).tag, True
            if tags is None or tag in tags:
                walk.rose, highest = highest, deepest
                yield self._convert(entry, depth)
                entered, walk._pruned = not walk._pruned, False
            if entered and (into is None or depth == 0 or tag in into):
                stack.extend((child, depth + 1) for child in reversed(list(entry.iter_children())))

    def pc_ranges(self, unit: Unit, attributes: dict[int, Any]) -> list[Range]:
        entry = attributes.get(_ENTRY)
        if entry is None:
            return _PC_RANGES(unit, attributes)
        listed = oracle.expected_ranges(self.reference(unit).dwarf, entry)
        return _PC_RANGES(unit, attributes) if listed is None else listed

    def read_places(self, unit: Unit, attributes: dict[int, Any]) -> Places:
        reference, entry = self.reference(unit).dwarf, attributes[_ENTRY]
        found = oracle.expected_locations(reference, entry)
        return [(low, high) for low, high, _ in found], [expression for _, _, expression in found]

    def read_lines(self, unit: Unit) -> LineTable:
        reference = self.reference(unit).dwarf
        table = LineTable()
        for sequence in oracle.iter_sequences(reference, reference.get_CU_at(unit.offset)):
            first = len(table)
            for address, line, file in sequence:
                table.widen(address, file)
                table.addresses.append(address)
                table.lines.append(line)
                table.files.append(file)
            table.add_sequence(first, discarded=False)
        table.seal()
        return table

    def read_files(self, unit: Unit) -> tuple[int, list[FileEntry], list[bytes | int]]:
        dwarf = self.reference(unit).dwarf
        program = dwarf.line_program_for_CU(dwarf.get_CU_at(unit.offset))
        if program is None:
            return 1, [], []
        first = 0 if program.header["version"] >= 5 else 1
        files = [FileEntry(file.name, file.dir_index) for file in program.header["file_entry"]]
        directories: list[bytes | int] = [b""] * first
        return first, files, directories + list(program.header["include_directory"])

    def _plan(self, entry: DIE) -> _Plan:
        key = (id(entry.cu.get_abbrev_table()), entry.abbrev_code or 0)
        plan = self._plans.get(key)
        if plan is None:
            tag = oracle.tag_number(entry)
            plan = self._plans[key] = _Plan(tag, oracle.plan(entry, wanted_of(tag)))
        return plan

    def _convert(self, entry: DIE, depth: int) -> Die:
        tag, wanted = self._plan(entry)
        values, unit = entry.attributes, entry.cu.cu_offset
        attributes = {key: convert(values[name], unit) for name, key, convert in wanted}
        attributes[_ENTRY] = entry
        return Die(depth, entry.offset, tag, bool(entry.has_children), attributes)


_ENTRY = -1  # beside the attributes, for what has to ask pyelftools again
_PC_RANGES = lists.pc_ranges


@contextmanager
def pyelftools_route() -> Iterator[None]:
    """Let pyelftools decode all DWARF while this lasts."""
    route = _Route()
    replaced: dict[Callable[..., Any], Callable[..., Any]] = {
        dies.read_die: route.read_die,
        lists.pc_ranges: route.pc_ranges,
        lists.read_places: route.read_places,
        lines.read_lines: route.read_lines,
        linehead.read_files: route.read_files,
    }
    walk_originally = Walk.__iter__
    changed: list[tuple[Any, str, Any]] = []
    try:

        def walk_entries(walk: Walk) -> Iterator[Die]:
            return route.walk(walk)

        Walk.__iter__ = walk_entries  # type: ignore[method-assign]
        for module in [m for name, m in sys.modules.items() if name.startswith("harness.symbols")]:
            for name, value in list(vars(module).items()):
                if callable(value) and value in replaced:
                    changed.append((module, name, value))
                    setattr(module, name, replaced[value])
        yield
    finally:
        Walk.__iter__ = walk_originally  # type: ignore[method-assign]
        for module, name, value in changed:
            setattr(module, name, value)
