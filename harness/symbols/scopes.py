"""What Go and the native languages build in the same way: scopes, and the bodies of functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

from harness.errors import InputRejected
from harness.model import LanguageSpecifics, Scope, Symbol
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.lists import pc_ranges
from harness.symbols.lines import PcLines, Range, to_line_ranges

if TYPE_CHECKING:
    from harness.symbols.dwarf.dies import Die
    from harness.symbols.dwarf.units import Unit

STAGE = "scope tree"

VARIABLE_TAGS = frozenset((dw.TAG_FORMAL_PARAMETER, dw.TAG_VARIABLE))
BLOCK_TAGS = frozenset((dw.TAG_LEXICAL_BLOCK,))
BODY_TAGS = VARIABLE_TAGS | BLOCK_TAGS | {dw.TAG_SUBPROGRAM, dw.TAG_INLINED_SUBROUTINE}

by_name_and_line = attrgetter("name", "line")


def function_scope(name: str, file: str, specifics: LanguageSpecifics, *, is_method: bool) -> Scope:
    """Return a function or method without lines, variables or blocks."""
    return Scope(
        scope_type="method" if is_method else "function",
        name=name,
        source_file=file,
        start_line=0,
        end_line=0,
        has_injectible_lines=True,
        language_specifics=specifics,
    )


def set_lines(scope: Scope, lines: list[Range]) -> None:
    """Let a function have these injectible lines, and begin and end with them."""
    scope.injectible_lines = to_line_ranges(lines)
    if lines:
        scope.start_line, scope.end_line = lines[0][0], lines[-1][1]


def block_scope(file: str, span: Range | None) -> Scope:
    """Return a lexical block without variables, from the first to the last line of a span."""
    start, end = span or (0, 0)
    return Scope(
        scope_type="local",
        name="",
        source_file=file,
        start_line=start,
        end_line=end,
        has_injectible_lines=False,
    )


def type_scope(
    name: str, fields: list[Symbol], specifics: LanguageSpecifics | None = None
) -> Scope:
    """Return the scope of a type. Types have no file and no lines."""
    return Scope(
        scope_type="struct",
        name=name,
        start_line=0,
        end_line=0,
        has_injectible_lines=False,
        language_specifics=specifics,
        symbols=fields,
    )


def available_on(lines: list[Range]) -> LanguageSpecifics | None:
    """Return what says that a variable can be read on these lines; None if it never can."""
    return LanguageSpecifics(available_line_ranges=to_line_ranges(lines)) if lines else None


_MOST_HELD = 1_000_000
_NOT_DROPPED = 1 << 30
"""A depth that no entry has."""


@dataclass(slots=True)
class Block:
    """A function body or lexical block while its subtree is being walked."""

    depth: int
    ranges: list[Range]
    variables: list[Die] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


class BodyReader:
    """Takes the entries of one function or instance, in file order, and makes blocks of them.

    `inlined` is the code of what is inlined into it; `calls` where that begins, and the number of
    the file and the line of the call. Blocks that were left out, with all that they hold, are
    `without_code`.
    """

    def __init__(self, unit: Unit, depth: int, ranges: list[Range]) -> None:
        self.root = Block(depth, ranges)
        self.inlined: list[Range] = []
        self.calls: list[tuple[int, int, int]] = []
        self.without_code = 0
        self._unit = unit
        self._blocks = [self.root]
        self._held = 0
        self._dropped = _NOT_DROPPED

    def feed(self, die: Die) -> list[Range] | None:
        """Take the next entry that is not inside something else than a block.

        Return the code of an inlined instance, if it had to be looked up.
        """
        blocks, depth = self._blocks, die.depth
        if depth > self._dropped:
            return None
        self._dropped = _NOT_DROPPED
        while len(blocks) > 1 and blocks[-1].depth >= depth:
            blocks.pop()
        if die.tag in VARIABLE_TAGS:
            blocks[-1].variables.append(die)
            self._hold(1, die)
        elif die.tag == dw.TAG_INLINED_SUBROUTINE:
            ranges = pc_ranges(self._unit, die.attributes)
            self.inlined += ranges
            if ranges and (line := die.attributes.get(dw.AT_CALL_LINE, 0)):
                file = die.attributes.get(dw.AT_CALL_FILE, -1)
                self.calls.append((ranges[0][0], file, line))
            self._hold(len(ranges), die)
            return ranges
        elif die.tag == dw.TAG_LEXICAL_BLOCK:
            self._open_block(die)
        return None

    def _open_block(self, die: Die) -> None:
        ranges = pc_ranges(self._unit, die.attributes)
        if not ranges and self.root.ranges:
            self.without_code += 1
            self._dropped = die.depth
            return
        block = Block(die.depth, ranges)
        self._blocks[-1].blocks.append(block)
        self._blocks.append(block)
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


def fill_scope(
    scope: Scope,
    block: Block,
    lines: PcLines,
    symbol_of: Callable[[Die, list[Range]], Symbol | None],
) -> None:
    """Put a block's variables and blocks into `scope`; blocks without variables are hoisted.

    `symbol_of` returns the symbol of a variable in a block of these ranges, if it has one.
    """
    for die in block.variables:
        symbol = symbol_of(die, block.ranges)
        if symbol is not None:
            scope.symbols.append(symbol)
    for child in block.blocks:
        inner = scope
        if child.variables:
            inner = block_scope(scope.source_file, lines.span_of_ranges(child.ranges))
        fill_scope(inner, child, lines, symbol_of)
        if inner is not scope:
            scope.scopes.append(inner)
