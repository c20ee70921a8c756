"""Extraction through pyelftools: the same output by the general library, to measure ours against.

Every function of the fast reader that decodes DWARF is replaced by one that asks pyelftools; all
that is built on them stays. pyelftools keeps its caches, which makes it faster and larger.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.elf.elffile import ELFFile

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf import dies, lines, locations, ranges
from harness.symbols.dwarf.abbrev import wanted_of
from harness.symbols.dwarf.dies import Die, Walk
from harness.symbols.dwarf.lines import LineTable
from harness.symbols.dwarf.locations import Location
from harness.symbols.dwarf.ranges import Range
from harness.symbols.dwarf.units import Unit
from harness.tests.symbols import oracle

_STRINGS = frozenset((dw.AT_NAME, dw.AT_LINKAGE_NAME, dw.AT_MIPS_LINKAGE_NAME, dw.AT_COMP_DIR,
                      dw.AT_PRODUCER, dw.AT_DWO_NAME, dw.AT_GNU_DWO_NAME))  # fmt: skip


class _Reference:
    """pyelftools' view of one file."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("rb")  # noqa: SIM115 - as long-lived as the benchmark
        self.dwarf: DWARFInfo = ELFFile(self._file).get_dwarf_info()

    def entry(self, unit: Unit, offset: int) -> DIE:
        """Return the entry at an offset of .debug_info."""
        return self.dwarf.get_CU_at(unit.offset).get_DIE_from_refaddr(offset)


class _Route:
    """The replacements. Entries handed out are remembered by their attributes' identity."""

    def __init__(self) -> None:
        self._references: dict[str, _Reference] = {}

    def reference(self, unit: Unit) -> _Reference:
        path = unit.dwarf.elf.path
        if path not in self._references:
            self._references[path] = _Reference(path)
        return self._references[path]

    def read_die(self, unit: Unit, offset: int) -> Die:
        return self._convert(self.reference(unit).entry(unit, offset), 0)

    def walk(self, walk: Walk) -> Iterator[Die]:
        unit, tags = walk._unit, walk._tags
        stack = [(self.reference(unit).entry(unit, walk._start), 0)]
        while stack:
            entry, depth = stack.pop()
            pruned = False
            if tags is None or oracle.tag_number(entry) in tags:
                yield self._convert(entry, depth)
                pruned, walk._pruned = walk._pruned, False
            if not pruned:
                stack.extend((child, depth + 1) for child in reversed(list(entry.iter_children())))

    def pc_ranges(self, unit: Unit, attributes: dict[int, Any]) -> list[Range]:
        entry = attributes.get(_ENTRY)
        if entry is None:
            return _PC_RANGES(unit, attributes)
        listed = oracle.expected_ranges(self.reference(unit).dwarf, entry)
        return _PC_RANGES(unit, attributes) if listed is None else listed

    def read_locations(
        self, unit: Unit, attributes: dict[int, Any], *, keep_empty: bool = False
    ) -> list[Location]:
        reference, entry = self.reference(unit).dwarf, attributes[_ENTRY]
        return oracle.expected_locations(reference, entry, keep_empty=keep_empty)

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

    def _convert(self, entry: DIE, depth: int) -> Die:
        tag = oracle.tag_number(entry)
        attributes = oracle.expected(entry, wanted_of(tag))
        for key in _STRINGS & attributes.keys():
            attributes[key] = attributes[key].encode()
        attributes[_ENTRY] = entry
        return Die(depth, entry.offset, tag, bool(entry.has_children), attributes)


_ENTRY = -1  # beside the attributes, for what has to ask pyelftools again
_PC_RANGES = ranges.pc_ranges


@contextmanager
def pyelftools_route() -> Iterator[None]:
    """Let pyelftools decode all DWARF while this lasts."""
    route = _Route()
    replaced: dict[Callable[..., Any], Callable[..., Any]] = {
        dies.read_die: route.read_die,
        ranges.pc_ranges: route.pc_ranges,
        locations.read_locations: route.read_locations,
        lines.read_lines: route.read_lines,
    }
    original = Walk.__iter__
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
        Walk.__iter__ = original  # type: ignore[method-assign]
        for module, name, value in changed:
            setattr(module, name, value)
