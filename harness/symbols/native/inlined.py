"""Functions that live only as copies: an abstract definition and the merge of its instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model import Scope, Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, Walk
from harness.symbols.instances import Instance, Merged
from harness.symbols.lines import merge_overlapping, to_line_ranges
from harness.symbols.native.functions import (
    Block,
    Body,
    available_lines,
    build_symbol,
    native_scope,
    read_body,
)
from harness.symbols.native.reader import UnitReader, definition_of, is_discarded
from harness.symbols.scopes import BLOCK_TAGS, VARIABLE_TAGS, available_on, by_name_and_line

if TYPE_CHECKING:
    from harness.symbols.native.context import Identity, UnitContext
    from harness.symbols.native.statements import Statements

STAGE = "scope tree"


def build_abstract(context: UnitContext, die: Die, identity: Identity) -> Scope:
    """Return the scope of an abstract function, merged over its instances.

    It starts at its declaration and ends at the last line of any instance. A line is injectible
    when every instance has it; a variable is available where any instance has it. Blocks flatten.
    """
    merged = Merged()
    for offset in context.index.iter_instances(die.offset):
        body = read_body(context, offset, identity.file, context.unit.aside)
        if (found := instance_of(context, body)) is not None:
            merged.add(found)
    if context.foreign is not None:
        for instance in context.foreign.iter_of(die.offset):
            merged.add(instance)
    scope = native_scope(identity)
    scope.start_line, scope.end_line = identity.line, merged.end_line
    scope.injectible_lines = to_line_ranges(merged.injectible or [])
    for offset, symbol in _variables(context, die):
        symbol.language_specifics = available_on(merged.available(offset))
        scope.symbols.append(symbol)
    scope.symbols.sort(key=by_name_and_line)
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
