"""Functions with code of their own: lines, blocks and variables from one walk over one subtree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import InputRejected
from harness.model import LanguageSpecifics, Scope, Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import ELSEWHERE
from harness.symbols.dwarf.dies import Die, Walk
from harness.symbols.dwarf.lists import Range, pc_ranges, read_places
from harness.symbols.dwarf.places import judge, readable
from harness.symbols.lines import LineSpan, merge_overlapping
from harness.symbols.native.statements import Statements, own_statements
from harness.symbols.scopes import (
    BLOCK_TAGS,
    BODY_TAGS,
    VARIABLE_TAGS,
    available_on,
    block_scope,
    function_scope,
    set_lines,
)

if TYPE_CHECKING:
    from harness.symbols.native.context import Identity, UnitContext
    from harness.symbols.native.reader import UnitReader
    from harness.symbols.sections import Section

STAGE = "scope tree"

_MOST_HELD = 1_000_000
_NOT_DROPPED = 1 << 30
"""A depth that no entry has."""


@dataclass(slots=True)
class Block:
    """A function body or lexical block while its subtree is being walked."""

    depth: int
    ranges: list[Range]
    variables: list[dict[int, Any]] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Body:
    """One instance of a function: its blocks, and the statements that are its own."""

    root: Block
    statements: Statements


class BodyReader:
    """Takes the entries of one function or instance, in file order, and makes a body of them."""

    def __init__(self, reader: UnitReader, depth: int, ranges: list[Range]) -> None:
        self._reader = reader
        self._blocks = [Block(depth, ranges)]
        self._inlined: list[Range] = []
        self._held = 0
        self._dropped = _NOT_DROPPED

    def feed(self, die: Die) -> list[Range] | None:
        """Take the next entry that is not inside something else than a block.

        Returns:
            The code of an inlined instance, if it had to be looked up.
        """
        blocks, depth = self._blocks, die.depth
        if depth > self._dropped:
            return None
        self._dropped = _NOT_DROPPED
        while len(blocks) > 1 and blocks[-1].depth >= depth:
            blocks.pop()
        if die.tag in VARIABLE_TAGS:
            blocks[-1].variables.append(die.attributes)
            blocks[-1].kinds.append(die.tag)
            self._hold(1, die)
        elif die.tag == dw.TAG_INLINED_SUBROUTINE:
            ranges = pc_ranges(self._reader.unit, die.attributes)
            self._inlined += ranges
            self._hold(len(ranges), die)
            return ranges
        elif die.tag == dw.TAG_LEXICAL_BLOCK:
            self._open_block(die)
        return None

    def _open_block(self, die: Die) -> None:
        blocks = self._blocks
        ranges = pc_ranges(self._reader.unit, die.attributes)
        if not ranges and blocks[0].ranges:
            self._reader.skipped["lexical block without code"] += 1
            self._dropped = die.depth
            return
        block = Block(die.depth, ranges)
        blocks[-1].blocks.append(block)
        blocks.append(block)
        self._hold(len(ranges), die)

    def _hold(self, count: int, die: Die) -> None:
        """Count what is kept; refuse a function that, by shared lists, asks for all memory."""
        self._held += count
        if self._held > _MOST_HELD:
            raise InputRejected(
                f"a function of more than {_MOST_HELD:,} variables and address ranges",
                section=".debug_info",
                offset=die.offset,
            )

    def finish(self, file: str) -> Body:
        """Return the body; statements of files other than the function's own are not part of it."""
        reader, root = self._reader, self._blocks[0]
        files = reader.numbers_of(file)
        return Body(root, own_statements(reader.lines, root.ranges, self._inlined, files))


def read_body(reader: UnitReader, offset: int, file: str, info: Section | None = None) -> Body:
    """Walk one function or inlined instance; what is inlined into it is not part of it.

    Args:
        reader: The unit.
        offset: Of the function or instance.
        file: The function's own source file; statements of other files are not its own.
        info: A view of the section, for one that is far from what is read around it.
    """
    entries = iter(Walk(reader.unit, offset, BODY_TAGS, info, BLOCK_TAGS))
    start = next(entries)
    body = BodyReader(reader, start.depth, pc_ranges(reader.unit, start.attributes))
    for die in entries:
        body.feed(die)
    return body.finish(file)


def build_function(context: UnitContext, die: Die, identity: Identity) -> Scope:
    """Return the scope of a function that has code and no abstract origin."""
    body = read_body(context, die.offset, identity.file)
    scope = native_scope(identity)
    set_lines(scope, body.statements.spans())
    _fill(context, scope, body.root, body.statements)
    return scope


def native_scope(identity: Identity) -> Scope:
    """Return a function or method without lines, variables or blocks."""
    qualified = f"{identity.parent}::{identity.name}" if identity.parent else identity.name
    specifics = LanguageSpecifics(qualified_name=qualified, linkage_name=identity.linkage_name)
    return function_scope(identity.name, identity.file, specifics, is_method=identity.is_method)


def _fill(context: UnitContext, scope: Scope, block: Block, statements: Statements) -> None:
    """Put a block's variables and blocks into `scope`; blocks without variables are hoisted."""
    for attributes, tag in zip(block.variables, block.kinds, strict=True):
        symbol = build_symbol(context, attributes, tag)
        if symbol is not None:
            lines = available_lines(context, attributes, block.ranges, statements)
            symbol.language_specifics = available_on(lines)
            scope.symbols.append(symbol)
    for child in block.blocks:
        if not child.variables:
            _fill(context, scope, child, statements)
            continue
        inner = block_scope(scope.source_file, statements.around(child.ranges))
        _fill(context, inner, child, statements)
        scope.scopes.append(inner)


def build_symbol(context: UnitContext, attributes: dict[int, Any], tag: int) -> Symbol | None:
    """Return an argument or local variable; None, and a count, for one that cannot be named."""
    if dw.AT_DECLARATION in attributes:
        context.skipped["variable that is only declared"] += 1
        return None
    name = context.unit.text(attributes.get(dw.AT_NAME))
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
        symbol_type="arg" if tag == dw.TAG_FORMAL_PARAMETER else "local",
        line=attributes.get(dw.AT_DECL_LINE, 0),
    )


def available_lines(
    reader: UnitReader,
    attributes: dict[int, Any],
    block: list[Range],
    statements: Statements,
) -> list[LineSpan]:
    """Return the lines on which a variable can be read, overlapping ranges merged."""
    ranges, expressions = read_places(reader.unit, attributes)
    verdicts = judge(expressions, reader.unit.layout.address_size, strict=reader.strict)
    if not verdicts:
        return []
    where = readable(ranges, verdicts)
    found = [
        lines
        for low, high in (block if where is None else where)
        if (lines := statements.between(low, high)) is not None
    ]
    return merge_overlapping(found)
