"""How numbers and DWARF forms lie in memory, and what values they hold (DWARF 5, 7.5.6 and 7.6)."""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, Self

from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw

STAGE = "extraction"


class Layout(NamedTuple):
    """What decides the size of a form beside the form itself."""

    little_endian: bool
    address_size: int
    offset_size: int
    version: int


class JoinedLayout(Layout):
    """The same in a file that has a supplementary file, or is one.

    The entries of both have offsets in one space, where those of the supplementary file follow:
    references to the whole section count from `origin`, those into the other file from `elsewhere`.
    """

    __slots__ = ()
    origin: int = property(itemgetter(4))  # type: ignore[assignment]  # it is longer than its base
    elsewhere: int = property(itemgetter(5))  # type: ignore[assignment]  # likewise

    def __new__(cls, layout: Layout, origin: int, elsewhere: int) -> Self:
        """Return a layout with its offsets."""
        return tuple.__new__(cls, (*layout, origin, elsewhere))


class Shape(NamedTuple):
    """A form's encoding and value class.

    `size` is a number of bytes, or one of `uleb`, `sleb`, `string`, `block1`, `block2`, `block4`,
    `block` (a block names the width of its length), `none` (no bytes) or `indirect`.
    """

    size: int | str
    kind: str


ADDRESS, OFFSET, REFERENCE_ADDRESS = "address", "offset", "reference address"

_SHAPES: dict[int, tuple[int | str, str]] = {
    dw.FORM_ADDR: (ADDRESS, "addr"),
    dw.FORM_ADDRX: ("uleb", "addrx"),
    dw.FORM_ADDRX1: (1, "addrx"),
    dw.FORM_ADDRX2: (2, "addrx"),
    dw.FORM_ADDRX3: (3, "addrx"),
    dw.FORM_ADDRX4: (4, "addrx"),
    dw.FORM_GNU_ADDR_INDEX: ("uleb", "addrx"),
    dw.FORM_DATA1: (1, "const"),
    dw.FORM_DATA2: (2, "const"),
    dw.FORM_DATA4: (4, "const"),
    dw.FORM_DATA8: (8, "const"),
    dw.FORM_DATA16: (16, "wide"),
    dw.FORM_SDATA: ("sleb", "const"),
    dw.FORM_UDATA: ("uleb", "const"),
    dw.FORM_IMPLICIT_CONST: ("none", "const"),
    dw.FORM_FLAG: (1, "flag"),
    dw.FORM_FLAG_PRESENT: ("none", "flag"),
    dw.FORM_STRING: ("string", "string"),
    dw.FORM_STRP: (OFFSET, "strp"),
    dw.FORM_LINE_STRP: (OFFSET, "line_strp"),
    dw.FORM_STRX: ("uleb", "strx"),
    dw.FORM_STRX1: (1, "strx"),
    dw.FORM_STRX2: (2, "strx"),
    dw.FORM_STRX3: (3, "strx"),
    dw.FORM_STRX4: (4, "strx"),
    dw.FORM_GNU_STR_INDEX: ("uleb", "strx"),
    dw.FORM_STRP_SUP: (OFFSET, "strp_sup"),
    dw.FORM_GNU_STRP_ALT: (OFFSET, "strp_sup"),
    dw.FORM_REF1: (1, "ref"),
    dw.FORM_REF2: (2, "ref"),
    dw.FORM_REF4: (4, "ref"),
    dw.FORM_REF8: (8, "ref"),
    dw.FORM_REF_UDATA: ("uleb", "ref"),
    dw.FORM_REF_ADDR: (REFERENCE_ADDRESS, "ref_addr"),
    dw.FORM_REF_SIG8: (8, "signature"),
    dw.FORM_REF_SUP4: (4, "elsewhere"),
    dw.FORM_REF_SUP8: (8, "elsewhere"),
    dw.FORM_GNU_REF_ALT: (OFFSET, "elsewhere"),
    dw.FORM_SEC_OFFSET: (OFFSET, "sec_offset"),
    dw.FORM_LOCLISTX: ("uleb", "loclistx"),
    dw.FORM_RNGLISTX: ("uleb", "rnglistx"),
    dw.FORM_EXPRLOC: ("block", "block"),
    dw.FORM_BLOCK: ("block", "block"),
    dw.FORM_BLOCK1: ("block1", "block"),
    dw.FORM_BLOCK2: ("block2", "block"),
    dw.FORM_BLOCK4: ("block4", "block"),
    dw.FORM_INDIRECT: ("indirect", "indirect"),
}


@lru_cache(maxsize=256)
def shape_of(form: int, layout: Layout) -> Shape:
    """Return how `form` lies in memory under `layout`.

    Raises:
        InputRejected: No such form is known, so that nothing behind it can be found either.
    """
    if form not in _SHAPES:
        raise InputRejected(f"unknown attribute form {form:#x}", section=".debug_abbrev")
    size, kind = _SHAPES[form]
    if size == ADDRESS or (size == REFERENCE_ADDRESS and layout.version < 3):
        size = layout.address_size
    elif size in (OFFSET, REFERENCE_ADDRESS):
        size = layout.offset_size
    return Shape(size, kind)


_MOST_BITS = 70  # ten bytes carry 64 bits; anything longer is padding without end


def read_uleb(data: bytes, at: int) -> tuple[int, int]:
    """Return the unsigned value at `at`, and where the next byte is."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift >= _MOST_BITS:
            raise InputRejected("a LEB128 number of more than ten bytes")


def read_sleb(data: bytes, at: int) -> tuple[int, int]:
    """Return the signed value at `at`, and where the next byte is."""
    start = at
    value, at = read_uleb(data, at)
    if data[at - 1] & 0x40:
        value -= 1 << (7 * (at - start))
    return value, at
