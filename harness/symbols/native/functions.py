"""Functions: those with code of their own, and those that live only as copies.

One walk over a subtree gives the blocks and variables. The lines that are a function's own are
those of its code but not of what is inlined into it, in its own source file. An abstract definition
is the merge of its instances.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.model import LanguageSpecifics, Scope, Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import ELSEWHERE
from harness.symbols.dwarf.dies import Die, Walk, read_die
from harness.symbols.dwarf.lists import pc_ranges, read_places
from harness.symbols.dwarf.places import judge, readable
from harness.symbols.instances import Instance, Merged
from harness.symbols.lines import PcLines, Range, merge_overlapping, to_line_ranges
from harness.symbols.native.chains import definition_of, follow
from harness.symbols.scopes import (
    BLOCK_TAGS,
    BODY_TAGS,
    VARIABLE_TAGS,
    Block,
    BodyReader,
    available_on,
    by_name_and_line,
    fill_scope,
    function_scope,
    set_lines,
)

if TYPE_CHECKING:
    from harness.symbols.native.context import Identity, UnitContext, UnitReader
    from harness.symbols.sections import Section

STAGE = "scope tree"

_FEW_CALLS = 32  # which are cheaper to insert than all rows are to sort
_GAPS_PER_LOOK = 64  # at the clock, which costs as much as a gap does


class FunctionBody(NamedTuple):
    """One instance of a function: its outermost block, and the lines that are its own."""

    root: Block
    lines: PcLines


def finish_body(reader: UnitReader, body: BodyReader, file: str) -> FunctionBody:
    """Return a body that is complete; statements in other files than `file` are not part of it."""
    if body.without_code:
        reader.skipped["lexical block without code"] += body.without_code
    files = reader.numbers_of(file)
    return FunctionBody(body.root, own_lines(reader, body, files))


def read_body(
    reader: UnitReader, offset: int, file: str, info: Section | None = None
) -> FunctionBody:
    """Walk one function or inlined instance; what is inlined into it is not part of it.

    Statements of other files than its own are not its own either. `info` is a view of the section,
    for one that is far from what is read around it.
    """
    entries = iter(Walk(reader.unit, offset, BODY_TAGS, info, BLOCK_TAGS))
    start = next(entries)
    body = BodyReader(reader.unit, start.depth, pc_ranges(reader.unit, start.attributes))
    for die in entries:
        body.feed(die)
    return finish_body(reader, body, file)


def own_lines(reader: UnitReader, body: BodyReader, files: frozenset[int]) -> PcLines:
    """Return the lines of a body that stand in one of `files`: its statements and inlined calls.

    What is inlined into the body has its own statements, and of the body the line of the call,
    where its code begins: a probe on that line is hit, as it is on a call that is made. Without
    calls, a body that is all inlined code would have no line at all.
    """
    table, check_time = reader.lines, reader.unit.dwarf.budget.check_time
    begins, lines = array("Q"), array("I")
    gaps: Iterable[Range] = merge_overlapping(body.root.ranges)
    if body.inlined:
        gaps = iter_gaps(list(gaps), merge_overlapping(body.inlined))
    for count, (low, high) in enumerate(gaps, 1):
        if not count % _GAPS_PER_LOOK:
            check_time()
        table.copy_rows(low, high, files, begins, lines)
    calls = [(begin, line) for begin, number, line in body.calls if number in files]
    if calls:
        begins, lines = _with_calls(begins, lines, calls)
    return PcLines(begins, lines, check_time)


def _with_calls(
    begins: array[int], lines: array[int], calls: list[tuple[int, int]]
) -> tuple[array[int], array[int]]:
    if len(calls) > _FEW_CALLS:
        rows = sorted([*zip(begins, lines, strict=True), *calls], key=itemgetter(0))
        return array("Q", [row[0] for row in rows]), array("I", [row[1] for row in rows])
    for begin, line in calls:
        at = bisect_right(begins, begin)
        begins.insert(at, begin)
        lines.insert(at, line)
    return begins, lines


def iter_gaps(ranges: Sequence[Range], holes: Sequence[Range]) -> Iterator[Range]:
    """Yield what is left of ranges without holes, in one pass: both are sorted and disjoint."""
    at = 0
    for first, high in ranges:
        low = first
        while at < len(holes) and holes[at][0] < high:
            start, end = holes[at]
            if start > low:
                yield low, start
            low = max(low, end)
            if end > high:
                break  # it may reach into the next range
            at += 1
        if low < high:
            yield low, high


def build_function(context: UnitContext, die: Die, identity: Identity) -> Scope:
    """Return the scope of a function that has code and no abstract origin."""
    root, own = read_body(context, die.offset, identity.file)

    def symbol_of(variable: Die, block: list[Range]) -> Symbol | None:
        symbol = build_symbol(context, variable)
        if symbol is not None:
            lines = available_lines(context, variable.attributes, block, own)
            symbol.language_specifics = available_on(lines)
        return symbol

    scope = native_scope(identity)
    set_lines(scope, own.injectible())
    fill_scope(scope, root, own, symbol_of)
    return scope


def native_scope(identity: Identity) -> Scope:
    """Return a function or method without lines, variables or blocks."""
    qualified = f"{identity.parent}::{identity.name}" if identity.parent else identity.name
    specifics = LanguageSpecifics(qualified_name=qualified, linkage_name=identity.linkage_name)
    return function_scope(identity.name, identity.file, specifics, is_method=identity.is_method)


def build_symbol(context: UnitContext, die: Die) -> Symbol | None:
    """Return an argument or local variable; None, and a count, for one that cannot be named."""
    unit, attributes = context.unit, die.attributes
    if dw.AT_DECLARATION in attributes:
        context.skipped["variable that is only declared"] += 1
        return None
    if dw.AT_NAME not in attributes and dw.AT_ABSTRACT_ORIGIN in attributes:
        chain = follow(unit, die.offset, attributes)
        unit, attributes = chain.unit, chain.found
    name = unit.text(attributes.get(dw.AT_NAME))
    if not name:
        context.skipped["variable without a name"] += 1
        return None
    target = attributes.get(dw.AT_TYPE)
    if target == ELSEWHERE:
        context.skipped["type of a variable in another file"] += 1
    spelled = context.types.name(target)
    if not context.has_room(name, spelled):
        return None
    return Symbol(
        name=name,
        type=spelled,
        symbol_type="arg" if die.tag == dw.TAG_FORMAL_PARAMETER else "local",
        line=attributes.get(dw.AT_DECL_LINE, 0),
    )


def available_lines(
    reader: UnitReader, attributes: dict[int, Any], block: list[Range], lines: PcLines
) -> list[Range]:
    """Return the lines on which a variable can be read, overlapping ranges merged."""
    ranges, expressions = read_places(reader.unit, attributes)
    verdicts = judge(expressions, reader.unit.layout.address_size, strict=reader.strict)
    if not verdicts:
        return []
    where = readable(ranges, verdicts)
    return lines.available(block if where is None else where)


def build_abstract(
    context: UnitContext, die: Die, identity: Identity, home: UnitContext | None = None
) -> Scope:
    """Return the scope of an abstract function, merged over its instances.

    It starts at its declaration and ends at the last line of any instance. A line is injectible
    when every instance has it; a variable is available where any instance has it. Blocks flatten.
    `home` is the unit that holds the instances, if it is the one that imports the definition.
    """
    merged, reader = Merged(), home or context
    is_stored = context.has_stored and identity.is_named_here and home is None
    if not identity.file:
        identity = identity._replace(file=_file_of_instances(reader, die.offset))
    for offset in () if is_stored else reader.index.iter_instances(die.offset):
        body = read_body(reader, offset, identity.file, reader.unit.aside)
        if (found := instance_of(reader, body)) is not None:
            merged.add(found)
    if context.foreign is not None:
        for instance in context.foreign.iter_of(die.offset):
            merged.add(instance)
    scope = native_scope(identity)
    lines = merged.injectible or []
    first = lines[0][0] if lines else 0
    scope.start_line, scope.end_line = identity.line or first, merged.end_line
    scope.injectible_lines = to_line_ranges(lines)
    for offset, symbol in _variables(context, die):
        symbol.language_specifics = available_on(merged.available(offset))
        scope.symbols.append(symbol)
    scope.symbols.sort(key=by_name_and_line)
    return scope


def _file_of_instances(context: UnitContext, origin: int) -> str:
    """Return the file in which the first instance begins, for a definition that names none."""
    for offset in context.index.iter_instances(origin):
        die = read_die(context.unit, offset)
        if file := context.file_at(pc_ranges(context.unit, die.attributes)):
            return file
    for instance in context.foreign.iter_of(origin) if context.foreign else ():
        return instance.file
    return ""


def _variables(context: UnitContext, die: Die) -> list[tuple[int, Symbol]]:
    if not die.has_children:
        return []
    found: list[tuple[int, Symbol]] = []
    for child in Walk(context.unit, die.offset, VARIABLE_TAGS, into=BLOCK_TAGS):
        symbol = build_symbol(context, child)
        if symbol is not None:
            found.append((child.offset, symbol))
    return found


def instance_of(reader: UnitReader, body: FunctionBody, *, direct: bool = True) -> Instance | None:
    """Return what an inlined or out-of-line instance contributes; None if it has no lines.

    Without lines it was optimised down to nothing, and has no say in which lines exist. It is
    `direct` if it refers to the definition itself, and not to something in between.
    """
    lines = body.lines.injectible()
    if not lines:
        return None
    instance = Instance(lines, {})
    _add_variables(reader, instance, *body)
    if not direct:
        named = instance.variables.items()
        instance.variables = {definition_of(reader.unit, at)[0]: spans for at, spans in named}
    return instance


def _add_variables(reader: UnitReader, instance: Instance, block: Block, lines: PcLines) -> None:
    for die in block.variables:
        origin = die.attributes.get(dw.AT_ABSTRACT_ORIGIN)
        if origin is None:
            reader.skipped["inlined variable without an origin"] += 1
            continue
        spans = available_lines(reader, die.attributes, block.ranges, lines)
        if spans:
            known = instance.variables.get(origin)
            instance.variables[origin] = merge_overlapping(known + spans) if known else spans
    for child in block.blocks:
        _add_variables(reader, instance, child, lines)
