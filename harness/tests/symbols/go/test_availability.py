"""Where a variable can be read: pieces, unsupported operations, pieces listed twice."""

from collections import Counter
from pathlib import Path

import pytest

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Walk
from harness.symbols.dwarf.lists import read_places
from harness.symbols.dwarf.places import WHOLE, Piece, parse_pieces
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile
from harness.symbols.go.availability import without_doubles

RAX, RBX, FRAME = b"\x50", b"\x53", b"\x91\x58"
PIECE8, PIECE4 = b"\x93\x08", b"\x93\x04"


@pytest.mark.parametrize(
    ("expression", "pieces"),
    [
        (RAX, ((WHOLE, RAX),)),
        (b"\x9c", ((WHOLE, b"\x9c"),)),
        (FRAME, ((WHOLE, FRAME),)),
        (b"\x03" + bytes(8), ((WHOLE, b"\x03" + bytes(8)),)),
        (b"\x90\x21", ((WHOLE, b"\x90\x21"),)),
        (b"\x92\x21\x80\x01", ((WHOLE, b"\x92\x21\x80\x01"),)),
        (b"\x77\x08", ((WHOLE, b"\x77\x08"),)),
        (RAX + PIECE8 + RBX + PIECE8, ((8, RAX), (8, RBX))),
        (RAX + PIECE8 + PIECE8, ((8, RAX), (8, b""))),
        (PIECE8 + FRAME + PIECE4, ((8, b""), (4, FRAME))),
        (PIECE8, ((8, b""),)),
        (b"", ()),
        (RAX + RBX, None),
        (RAX + PIECE8 + RBX, None),
        (b"\x30\x9f", None),
        (b"\x31", None),
        (b"\x70\x00\x06", None),
        (b"\xa3\x01\x50", None),
        (b"\x10\x05" + b"\x9f", None),
    ],
    ids=["register", "cfa", "frame", "address", "regx", "bregx", "breg", "two", "second missing",
         "first missing", "only a gap", "empty", "two places", "rest unplaced", "stack value",
         "literal", "deref", "entry value", "constant"],
)  # fmt: skip
def test_expressions_split_into_pieces_or_are_unsupported(
    expression: bytes, pieces: tuple[Piece, ...] | None
) -> None:
    assert parse_pieces(expression, 8) == pieces


A, B, GAP, HALF = (8, RAX), (8, RBX), (8, b""), (4, RAX)


@pytest.mark.parametrize(
    ("lists", "size", "expected"),
    [
        ([[A, B]], 16, [[A, B]]),
        ([[A, A], [B]], 8, [[A], [B]]),
        ([[GAP, GAP, HALF]], 12, [[GAP, HALF]]),
        ([[GAP, GAP]], 8, [[GAP]]),
        ([[A, A]], 8, [[A]]),
        ([[A, GAP], [GAP, B]], 8, [[A], [B]]),
        ([[GAP, GAP, A], [GAP, GAP, B]], 16, [[GAP, A], [GAP, B]]),
        ([[A, B]], 8, []),
        ([[A, A, B, B]], 16, [[A, B]]),
        ([[A, B]], -1, [[A, B]]),
    ],
    ids=["fits", "twice in one list", "gap twice, then another size", "only gaps", "twice",
         "one of two", "gap twice", "unexplained", "each twice", "size unknown"],
)  # fmt: skip
def test_pieces_beyond_the_size_of_the_type_are_doubles_or_damage(
    lists: list[list[Piece]], size: int, expected: list[list[Piece]]
) -> None:
    placed = without_doubles([(0, 1, pieces) for pieces in lists], size)
    assert [list(pieces) for _, _, pieces in placed] == expected


def test_ranges_without_addresses_are_kept_when_asked_for(program: Path) -> None:
    """A probe at the one address where such a range begins and ends still finds the variable."""
    counts = Counter[bool]()
    with ElfFile(str(program)) as elf:
        for unit in Dwarf(elf).iter_units():
            for die in Walk(unit, unit.first, frozenset((dw.TAG_VARIABLE,))):
                found, _ = read_places(unit, die.attributes)
                counts.update(low == high for low, high in found if high)
    assert counts[True] > 10
    assert counts[False] > counts[True]
