"""Where a Go variable can be read: PC ranges in which every byte of it has a place.

Only plain places count: an address, a register, an offset from one, from the frame base or from the
call frame address. Any other operation in any of its locations makes the whole variable
unavailable, while a location that merely lacks a piece is left out by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from harness.symbols.dwarf.leb import read_uleb
from harness.symbols.dwarf.locations import read_places
from harness.symbols.dwarf.units import Unit
from harness.symbols.lines import Range

Piece: TypeAlias = tuple[int, bytes]
"""Size in bytes, and the operation that places it: empty when the piece has no place."""

_Placed: TypeAlias = tuple[int, int, Sequence[Piece]]

WHOLE = -1
"""Size of the one piece of an expression that does not split its variable."""

_ADDR, _REGX, _FBREG, _BREGX, _PIECE, _CFA = 0x03, 0x90, 0x91, 0x92, 0x93, 0x9C
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


class _Verdicts(dict[bytes, int]):
    """Verdicts by expression, found when first asked for; forgotten when there are too many."""

    def __init__(self, address_size: int) -> None:
        self._address_size = address_size

    def __missing__(self, expression: bytes) -> int:
        if len(self) >= _KNOWN_EXPRESSIONS:
            self.clear()
        verdict = self[expression] = self._judge(expression)
        return verdict

    def _judge(self, expression: bytes) -> int:
        if _is_placed(expression):
            return _COMPLETE
        pieces, complete = place_of(expression, self._address_size)
        if pieces is None:
            return _OTHER
        return _COMPLETE if complete else _PARTIAL


_verdicts = {size: _Verdicts(size) for size in (4, 8)}


def available_pcs(
    unit: Unit,
    attributes: dict[int, Any],
    size_of: Callable[[int], int],
    key: int,
    *,
    strict: bool = True,
) -> list[Range] | None:
    """Return the PC ranges in which a variable can be read, in the order of its locations.

    Args:
        unit: The unit that holds the variable.
        attributes: The variable's.
        size_of: Returns the size of the variable's type in bytes, negative if unknown.
        key: What to ask it for.
        strict: Whether only plain places count; otherwise any expression does.

    Returns:
        The ranges; None where one plain expression is valid all over the innermost block.
    """
    ranges, expressions = read_places(unit, attributes)
    if not ranges:
        return ranges
    known = _verdicts[unit.layout.address_size]
    verdicts = [known[expression] for expression in expressions]
    if _OTHER in verdicts:
        if strict:
            return []
        verdicts = [verdict or _COMPLETE for verdict in verdicts]
    if (0, 0) in ranges:
        return None if verdicts[ranges.index((0, 0))] == _COMPLETE else []
    if strict and _PIECE in expressions[0]:
        first = place_of(expressions[0], unit.layout.address_size).pieces
        if (
            first
            and len(first) > 1
            and sum(length for length, _ in first) > (most := size_of(key)) >= 0
        ):
            return _without_doubles(ranges, expressions, most, unit.layout.address_size)
    if _PARTIAL not in verdicts:
        return ranges
    return [place for place, verdict in zip(ranges, verdicts, strict=True) if verdict == _COMPLETE]


def _without_doubles(
    ranges: list[Range], expressions: list[bytes], size: int, address_size: int
) -> list[Range]:
    placed: list[_Placed] = [
        (low, high, place_of(expression, address_size).pieces or ())
        for (low, high), expression in zip(ranges, expressions, strict=True)
    ]
    return [(low, high) for low, high, pieces in undouble(placed, size) if is_complete(pieces)]


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
        if operation == _PIECE:
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
    if _BREG0 <= operation <= _BREG31 or operation in (_REGX, _FBREG):
        return read_uleb(expression, at)[1]
    if operation == _BREGX:
        return read_uleb(expression, read_uleb(expression, at)[1])[1]
    return -1


def undouble(placed: list[_Placed], size: int) -> list[_Placed]:
    """Undo pieces that the compiler lists twice; nothing is left if that does not explain them.

    When different parts of the compiler see different types in one variable, its pieces can come
    out doubled and add up to more than the type (golang.org/issue/61700).
    """
    while size >= 0 and sum(length for length, _ in placed[0][2]) > size:
        index = _find_double([pieces for _, _, pieces in placed])
        if index < 0:
            return []
        placed = [(low, high, _joined(pieces, index)) for low, high, pieces in placed]
    return placed


def _find_double(lists: list[Sequence[Piece]]) -> int:
    """Return the index of a piece that is the next one over again, or -1."""
    for pieces in lists:
        for index in range(len(pieces) - 1):
            if pieces[index][1] and pieces[index] == pieces[index + 1]:
                return index
    for test in (_one_is_placed, _next_is_placed):
        for index in range(len(lists[0]) - 1):
            if all(len(pieces) > index + 1 and test(pieces, index) for pieces in lists):
                return index
    return -1


def _one_is_placed(pieces: Sequence[Piece], index: int) -> bool:
    first, second = pieces[index], pieces[index + 1]
    return first[0] == second[0] and bool(first[1]) != bool(second[1])


def _next_is_placed(pieces: Sequence[Piece], index: int) -> bool:
    first, second = pieces[index], pieces[index + 1]
    if first[0] != second[0] or first[1] or second[1]:
        return False
    return len(pieces) <= index + 2 or bool(pieces[index + 2][1])


def _joined(pieces: Sequence[Piece], index: int) -> Sequence[Piece]:
    """Make one piece of two, placed where either of them is."""
    if index + 1 >= len(pieces):
        return pieces
    first, second = pieces[index], pieces[index + 1]
    return (*pieces[:index], (second[0], first[1] or second[1]), *pieces[index + 2 :])
