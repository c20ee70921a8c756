"""Functions that live only as copies: an abstract definition and the merge of its instances."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from msgspec import Struct, msgpack

from harness.model import LanguageSpecifics, Scope, Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, Walk
from harness.symbols.instances import Merged
from harness.symbols.lines import LineSpan, merge_overlapping, to_line_ranges
from harness.symbols.native.functions import (
    BLOCK_TAGS,
    VARIABLE_TAGS,
    Block,
    Body,
    available_lines,
    build_symbol,
    function_scope,
    read_body,
)
from harness.symbols.native.reader import UnitReader, definition_of, is_discarded

if TYPE_CHECKING:
    from harness.symbols.native.context import Identity, UnitContext
    from harness.symbols.native.statements import Statements

STAGE = "scope tree"


_NAME_AND_LINE = attrgetter("name", "line")


class Instance(Struct, array_like=True):
    """What one instance contributes to its definition.

    `variables` maps offsets of the definition's variables to line ranges.
    """

    lines: list[LineSpan]
    variables: dict[int, list[LineSpan]]


encode_instance = msgpack.Encoder().encode
_decode = msgpack.Decoder(Instance).decode


def build_abstract(context: UnitContext, die: Die, identity: Identity) -> Scope:
    """Return the scope of an abstract function, merged over its instances.

    It starts at its declaration and ends at the last line of any instance. A line is injectible
    when every instance has it; a variable is available where any instance has it. Blocks flatten.
    """
    merged = Merged()
    for offset in context.index.iter_instances(die.offset):
        body = read_body(context, offset, identity.file, context.unit.aside)
        instance = instance_of(context, body)
        if instance is not None:
            merged.add(instance.lines, instance.variables.items())
    if context.foreign is not None:
        for record in context.foreign.iter_of(die.offset):
            instance = _decode(record)
            merged.add(instance.lines, instance.variables.items())
    scope = function_scope(identity)
    scope.start_line, scope.end_line = identity.line, merged.end_line
    scope.injectible_lines = to_line_ranges(merged.injectible or [])
    for offset, symbol in _variables(context, die):
        spans = merged.available(offset)
        if spans:
            symbol.language_specifics = LanguageSpecifics(
                available_line_ranges=to_line_ranges(spans)
            )
        scope.symbols.append(symbol)
    scope.symbols.sort(key=_NAME_AND_LINE)
    return scope


def _variables(context: UnitContext, die: Die) -> list[tuple[int, Symbol]]:
    if not die.has_children:
        return []
    found: list[tuple[int, Symbol]] = []
    for child in Walk(context.unit, die.offset, VARIABLE_TAGS, into=BLOCK_TAGS):
        symbol = build_symbol(context, child.attributes, child.tag)
        if symbol is not None:
            found.append((child.offset, symbol))
    return found


def instance_of(reader: UnitReader, body: Body, *, direct: bool = True) -> Instance | None:
    """Return what an inlined or out-of-line instance contributes; None if it has no lines.

    Without lines it was optimised down to nothing, and has no say in which lines exist.

    Args:
        reader: The unit of the instance.
        body: The instance.
        direct: Whether it refers to the definition itself, and not to something in between.
    """
    if is_discarded(body.root.ranges):
        return None
    lines = body.statements.spans()
    if not lines:
        return None
    instance = Instance(lines, {})
    _add_variables(reader, instance, body.root, body.statements)
    if not direct:
        named = instance.variables.items()
        instance.variables = {definition_of(reader.unit, at)[0]: spans for at, spans in named}
    return instance


def _add_variables(
    reader: UnitReader, instance: Instance, block: Block, statements: Statements
) -> None:
    for attributes in block.variables:
        origin = attributes.get(dw.AT_ABSTRACT_ORIGIN)
        if origin is None:
            reader.skipped["inlined variable without an origin"] += 1
            continue
        spans = available_lines(reader, attributes, block.ranges, statements)
        if spans:
            known = instance.variables.get(origin)
            instance.variables[origin] = merge_overlapping(known + spans) if known else spans
    for child in block.blocks:
        _add_variables(reader, instance, child, statements)
