"""Functions that live only as copies: an abstract definition and the merge of its instances."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

from harness.model import LanguageSpecifics, Scope, Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, Walk
from harness.symbols.lines import LineSpan, intersect, merge_overlapping, to_line_ranges
from harness.symbols.native.functions import (
    VARIABLE_TAGS,
    Block,
    available_lines,
    build_symbol,
    function_scope,
    read_body,
)

if TYPE_CHECKING:
    from harness.symbols.native.statements import Statements
    from harness.symbols.native.unit import Identity, UnitContext


_MERGED_AT = 64
_NAME_AND_LINE = attrgetter("name", "line")


@dataclass(slots=True)
class _Merge:
    """What the instances seen so far agree on (lines) or add up to (availability)."""

    lines: list[LineSpan] | None = None
    end_line: int = 0
    available: dict[int, list[LineSpan]] = field(default_factory=dict)


def build_abstract(context: UnitContext, die: Die, identity: Identity) -> Scope:
    """Return the scope of an abstract function, merged over its instances in this unit.

    It starts at its declaration and ends at the last line of any instance. A line is injectible
    when every instance has it; a variable is available where any instance has it. Blocks flatten.
    """
    merge = _Merge()
    for instance in context.index.iter_instances(die.offset):
        _add_instance(context, merge, instance, identity.file)
    scope = function_scope(identity)
    scope.start_line, scope.end_line = identity.line, merge.end_line
    scope.injectible_lines = to_line_ranges(merge.lines or [])
    for offset, symbol in _variables(context, die):
        spans = merge_overlapping(merge.available.get(offset, ()))
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
    walk = Walk(context.unit, die.offset)
    for child in walk:
        if child.depth == 0 or child.tag == dw.TAG_LEXICAL_BLOCK:
            continue
        walk.prune()
        if child.tag in VARIABLE_TAGS:
            symbol = build_symbol(context, child.attributes, child.tag)
            if symbol is not None:
                found.append((child.offset, symbol))
    return found


def _add_instance(context: UnitContext, merge: _Merge, offset: int, file: str) -> None:
    body = read_body(context, offset, file)
    lines = body.statements.spans()
    if not lines:
        return  # optimised down to nothing: it has no say in which lines exist
    merge.lines = lines if merge.lines is None else intersect(merge.lines, lines)
    merge.end_line = max(merge.end_line, lines[-1][1])
    _add_variables(context, merge, body.root, body.statements)


def _add_variables(
    context: UnitContext, merge: _Merge, block: Block, statements: Statements
) -> None:
    for attributes in block.variables:
        origin = attributes.get(dw.AT_ABSTRACT_ORIGIN)
        if origin is None:
            context.skip("inlined variable without an origin")
            continue
        ranges = available_lines(context, attributes, block.ranges, statements)
        spans = merge.available.setdefault(origin, [])
        spans.extend(ranges)
        if len(spans) > _MERGED_AT:  # a popular function has thousands of instances
            spans[:] = merge_overlapping(spans)
    for child in block.blocks:
        _add_variables(context, merge, child, statements)
