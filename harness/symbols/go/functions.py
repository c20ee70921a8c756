"""Scopes of Go functions: those with code of their own, and those known from inlined copies."""

from __future__ import annotations

from typing import Any

from harness.errors import InputRejected
from harness.model import LanguageSpecifics, Scope, Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, Walk
from harness.symbols.dwarf.lists import pc_ranges
from harness.symbols.dwarf.units import Unit
from harness.symbols.go.availability import available_pcs
from harness.symbols.go.binary import GoBinary, GoUnitReader
from harness.symbols.go.index import Entry, EntryKind, GoIndex
from harness.symbols.go.inlined import FAR
from harness.symbols.go.linetable import FunctionLines
from harness.symbols.go.names import FunctionName, parse_function_name
from harness.symbols.instances import Merged
from harness.symbols.lines import PcLines, Range, to_line_ranges
from harness.symbols.scopes import (
    BLOCK_TAGS,
    BODY_TAGS,
    VARIABLE_TAGS,
    BodyReader,
    available_on,
    by_name_and_line,
    fill_scope,
    function_scope,
    set_lines,
)

STAGE = "scope tree"

_OWN_TAGS = VARIABLE_TAGS | BLOCK_TAGS


class FunctionBuilder(BodyReader):
    """Builds the scope of one concrete function from its entries, in file order."""

    def __init__(
        self, binary: GoBinary, reader: GoUnitReader, die: Die, ranges: list[Range], lines: PcLines
    ) -> None:
        super().__init__(reader.unit, die.depth, ranges)
        self._binary = binary
        self._lines = lines
        self._file = reader.file_of(die.attributes)

    def finish(self, name: FunctionName) -> Scope:
        """Return the function's scope."""
        scope = go_scope(name, self._file, [])
        set_lines(scope, self._lines.injectible())
        fill_scope(scope, self.root, self._lines, self._symbol_of)
        return scope

    def _symbol_of(self, die: Die, block: list[Range]) -> Symbol | None:
        attributes, types = die.attributes, self._binary.types
        if dw.AT_NAME not in attributes or dw.AT_TYPE not in attributes:
            self._binary.skipped["variable: no name or no type"] += 1
            return None
        target = attributes[dw.AT_TYPE]
        strict = self._binary.options.locations == "strict"
        pcs = available_pcs(self._unit, attributes, types.size, target, strict=strict)
        lines = self._lines.available(block if pcs is None else pcs)
        return variable_symbol(self._unit, die, types.info(target).name, lines)


def open_function(
    binary: GoBinary, reader: GoUnitReader, die: Die, lines: FunctionLines | None, raw: str
) -> FunctionBuilder | None:
    """Return a builder for a function; None, and a count, if it has no code or no lines.

    `lines` are of the physical function where its code begins.
    """
    ranges = pc_ranges(reader.unit, die.attributes)
    if not ranges:
        binary.skipped["function: no code"] += 1
        return None
    own = lines.own(raw) if lines else None
    if own is None:
        binary.skipped["function: no lines of its own"] += 1
        return None
    return FunctionBuilder(binary, reader, die, ranges, own)


def read_function(binary: GoBinary, reader: GoUnitReader, die: Die) -> Scope | None:
    """Return the scope of one function; None, and a count, if it has no code or no lines."""
    raw, name = _listed_names(reader.unit, die.attributes)
    pc = reader.unit.address(die.attributes)
    lines = None if pc is None else binary.lines.lines_at(pc)
    builder = open_function(binary, reader, die, lines, raw)
    if builder is None:
        return None
    for child in Walk(reader.unit, die.offset, _OWN_TAGS, into=BLOCK_TAGS):
        builder.feed(child)
    return builder.finish(name)


def _listed_names(unit: Unit, attributes: dict[int, Any]) -> tuple[str, FunctionName]:
    """Return raw and parsed name of a function that was listed because it has them."""
    raw = unit.text(attributes.get(dw.AT_NAME))
    parsed = parse_function_name(raw)
    if not isinstance(parsed, FunctionName):
        raise InputRejected(f"{raw!r} is no function name", section=unit.info.name)
    return raw, parsed


def read_definition(binary: GoBinary, index: GoIndex, entry: Entry) -> Scope:
    """Return the scope of an inlined function: its definition, and all its instances merged."""
    merged = Merged()
    file = ""
    near_only = entry.kind == EntryKind.NEAR_DEFINITION
    for instance in index.instances.iter_of(entry.place):
        if near_only and not instance.near:
            binary.skipped[FAR] += 1
            continue
        file = file or instance.file
        merged.add(instance)
    unit = binary.dwarf.unit_of(entry.place)
    attributes: dict[int, Any] = {}
    symbols: list[Symbol] = []
    for die in Walk(unit, entry.place, BODY_TAGS, unit.aside):
        if die.depth == 0:
            attributes = die.attributes
        elif die.tag in VARIABLE_TAGS:
            _add_defined(binary, unit, die, merged, symbols)
        else:
            binary.skipped["definition: unexpected child"] += 1
    symbols.sort(key=by_name_and_line)
    _, name = _listed_names(unit, attributes)
    scope = go_scope(name, file, symbols)
    scope.injectible_lines = to_line_ranges(merged.injectible or [])
    scope.start_line = attributes.get(dw.AT_DECL_LINE, 0)
    scope.end_line = merged.end_line
    return scope


def _add_defined(
    binary: GoBinary, unit: Unit, die: Die, merged: Merged, symbols: list[Symbol]
) -> None:
    if dw.AT_NAME not in die.attributes or dw.AT_TYPE not in die.attributes:
        binary.skipped["variable: no name or no type"] += 1
        return
    info = binary.types.info(die.attributes[dw.AT_TYPE])
    symbols.append(variable_symbol(unit, die, info.name, merged.available(die.offset)))


def go_scope(name: FunctionName, file: str, symbols: list[Symbol]) -> Scope:
    """Return a function's or method's scope, its lines left out."""
    specifics = LanguageSpecifics(go_qualified_name=name.qualified)
    scope = function_scope(name.name, file, specifics, is_method=bool(name.receiver))
    scope.symbols = symbols
    return scope


def variable_symbol(unit: Unit, die: Die, type_name: str, ranges: list[Range]) -> Symbol:
    """Return the symbol of a variable. Results are formal parameters, and so arguments."""
    attributes = die.attributes
    return Symbol(
        name=unit.text(attributes[dw.AT_NAME]),
        type=type_name,
        symbol_type="arg" if die.tag == dw.TAG_FORMAL_PARAMETER else "local",
        line=attributes.get(dw.AT_DECL_LINE, 0),
        language_specifics=available_on(ranges),
    )
