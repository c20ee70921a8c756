"""Where a Go variable can be read: PC ranges in which every byte of it has a place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from harness.symbols.dwarf.lists import EVERYWHERE, read_places
from harness.symbols.dwarf.places import PIECE, Piece, is_complete, judge, place_of, readable
from harness.symbols.dwarf.units import Unit
from harness.symbols.lines import Range

STAGE = "scope tree"

_Placed: TypeAlias = tuple[int, int, Sequence[Piece]]


def available_pcs(
    unit: Unit,
    attributes: dict[int, Any],
    size_of: Callable[[int], int],
    key: int,
    *,
    strict: bool = True,
) -> list[Range] | None:
    """Return the PC ranges in which a variable can be read, in the order of its locations.

    None where one plain expression is valid all over the innermost block. `size_of` returns the
    size of a type in bytes, negative if unknown, when it is asked with `key`. If not `strict`, any
    expression is a place, not only a plain one.
    """
    ranges, expressions = read_places(unit, attributes)
    address_size = unit.layout.address_size
    verdicts = judge(expressions, address_size, strict=strict)
    if not verdicts:
        return []
    if strict and PIECE in expressions[0] and EVERYWHERE not in ranges:
        first = place_of(expressions[0], address_size).pieces
        if (
            first
            and len(first) > 1
            and sum(length for length, _ in first) > (most := size_of(key)) >= 0
        ):
            return _complete_ranges(ranges, expressions, most, address_size)
    return readable(ranges, verdicts)


def _complete_ranges(
    ranges: list[Range], expressions: list[bytes], size: int, address_size: int
) -> list[Range]:
    placed: list[_Placed] = [
        (low, high, place_of(expression, address_size).pieces or ())
        for (low, high), expression in zip(ranges, expressions, strict=True)
    ]
    return [
        (low, high) for low, high, pieces in without_doubles(placed, size) if is_complete(pieces)
    ]


def without_doubles(placed: list[_Placed], size: int) -> list[_Placed]:
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
