"""What a location expression says: pieces with a place each, or something that cannot be read.

Only plain places count: an address, a register, an offset from one, from the frame base or from the
call frame address. Any other operation in any of its locations makes the whole variable
unavailable, while a location that merely lacks a piece is left out by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import NamedTuple, TypeAlias

from harness.symbols.dwarf.forms import read_uleb
from harness.symbols.dwarf.lists import EVERYWHERE
from harness.symbols.lines import Range
from harness.symbols.spill import Known

STAGE = "extraction"

Piece: TypeAlias = tuple[int, bytes]
"""Size in bytes, and the operation that places it: empty when the piece has no place."""

WHOLE = -1
"""Size of the one piece of an expression that does not split its variable."""

_ADDR, _REGX, _FBREG, _BREGX, PIECE, _CFA = 0x03, 0x90, 0x91, 0x92, 0x93, 0x9C
_ADDRX, _GNU_ADDR_INDEX = 0xA1, 0xFB
_ONE_NUMBER = frozenset((_REGX, _FBREG, _ADDRX, _GNU_ADDR_INDEX))
_REG0, _REG31, _BREG0, _BREG31 = 0x50, 0x6F, 0x70, 0x8F

# Expressions that are complete at first sight: one register or offset, or such with a piece each.
# Nine in ten are; what the pattern does not know is taken apart.
_NUMBER = rb"[\x80-\xff]{0,8}[\x00-\x7f]"
_PLAIN = rb"(?:[\x50-\x6f\x9c]|[\x70-\x91]%b|\x92%b%b)" % (_NUMBER, _NUMBER, _NUMBER)
_is_placed = re.compile(rb"%b|(?:%b\x93%b)+" % (_PLAIN, _PLAIN, _NUMBER), re.DOTALL).fullmatch


# What an expression is: one that does more than name places, one that leaves a piece without a
# place, or one that places everything.
_OTHER, _PARTIAL, _COMPLETE = range(3)
_KNOWN_EXPRESSIONS = 1024


def _verdict(address_size: int, expression: bytes) -> int:
    if _is_placed(expression):
        return _COMPLETE
    pieces, complete = place_of(expression, address_size)
    if pieces is None:
        return _OTHER
    return _COMPLETE if complete else _PARTIAL


_verdicts = {size: Known(_KNOWN_EXPRESSIONS, partial(_verdict, size)) for size in (4, 8)}


def judge(expressions: list[bytes], address_size: int, *, strict: bool) -> list[int]:
    """Return a verdict for each location of a variable; none if it can be read nowhere.

    If not `strict`, any expression is a place, not only a plain one.
    """
    known = _verdicts[address_size]
    verdicts = [known[expression] for expression in expressions]
    if _OTHER not in verdicts:
        return verdicts
    return [] if strict else [verdict or _COMPLETE for verdict in verdicts]


def readable(ranges: list[Range], verdicts: list[int]) -> list[Range] | None:
    """Return the ranges in which a variable can be read, in the order of its locations.

    None where one expression is valid all over the innermost block.
    """
    if EVERYWHERE in ranges:
        return None if verdicts[ranges.index(EVERYWHERE)] == _COMPLETE else []
    if _PARTIAL not in verdicts:
        return ranges
    return [place for place, verdict in zip(ranges, verdicts, strict=True) if verdict == _COMPLETE]


class Place(NamedTuple):
    """What an expression says: its pieces, None if it does more than name places."""

    pieces: tuple[Piece, ...] | None
    complete: bool


@lru_cache(maxsize=512)
def place_of(expression: bytes, address_size: int) -> Place:
    """Return the pieces of a location expression, and whether all of them have a place."""
    pieces = parse_pieces(expression, address_size)
    return Place(pieces, pieces is not None and is_complete(pieces))


def parse_pieces(expression: bytes, address_size: int) -> tuple[Piece, ...] | None:
    """Split a location expression into its pieces; None if it does more than name places."""
    pieces: list[Piece] = []
    place = b""
    at = operations = 0
    while at < len(expression):
        begin, operation = at, expression[at]
        at += 1
        operations += 1
        if operation == PIECE:
            length, at = read_uleb(expression, at)
            pieces.append((length, place))
            place = b""
            continue
        end = -1 if place else _after_place(operation, expression, at, address_size)
        if end < 0:
            return None
        place, at = expression[begin:end], end
    if operations == 1 and place:
        return ((WHOLE, place),)
    return None if place else tuple(pieces)


def is_complete(pieces: Sequence[Piece]) -> bool:
    """Tell whether there are pieces and all of them have a place."""
    if len(pieces) == 1:
        return bool(pieces[0][1])
    return bool(pieces) and all(place for _, place in pieces)


def _after_place(operation: int, expression: bytes, at: int, address_size: int) -> int:
    """Return the position behind the operands of a plain place, -1 for anything else."""
    if _REG0 <= operation <= _REG31 or operation == _CFA:
        return at
    if operation == _ADDR:
        return at + address_size
    if _BREG0 <= operation <= _BREG31 or operation in _ONE_NUMBER:
        return read_uleb(expression, at)[1]
    if operation == _BREGX:
        return read_uleb(expression, read_uleb(expression, at)[1])[1]
    return -1
