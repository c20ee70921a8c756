"""Every form has the size and the value that pyelftools reads, in each layout that there is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from io import BytesIO
from itertools import product
from typing import Any

import pytest
from elftools.dwarf.enums import ENUM_DW_FORM
from elftools.dwarf.structs import DWARFStructs

from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import ELSEWHERE, SIGNATURE, Attribute, compile_decoder
from harness.symbols.dwarf.forms import _SHAPES, Layout, read_uleb, shape_of
from harness.tests.symbols.crafted import uleb

LAYOUTS = [
    Layout(little, address_size, offset_size, version)
    for little, address_size, offset_size, version in product((True, False), (4, 8), (4, 8), (2, 5))
]
# A small number, one of two octets whose sign is set, and one that fills all of them.
STARTS = (b"\x03\x00\x00\x00", b"\xc3\x7c\x00\x01", b"\xfe\xdc\xba\x98\xf6\xd4\xb2\x10")
LONG = (dw.FORM_BLOCK, dw.FORM_EXPRLOC, dw.FORM_BLOCK4)
WITHOUT_BYTES = {dw.FORM_FLAG_PRESENT: True, dw.FORM_IMPLICIT_CONST: 7}
AT = {
    "string": dw.AT_NAME, "strp": dw.AT_NAME, "line_strp": dw.AT_NAME, "strx": dw.AT_NAME,
    "strp_sup": dw.AT_NAME, "block": dw.AT_LOCATION, "wide": dw.LNCT_MD5,
}  # fmt: skip
VALUE: dict[str, Callable[[Any], Any]] = {
    "strp": lambda offset: offset << 3,
    "line_strp": lambda offset: offset << 3 | 1,
    "strx": lambda number: number << 3 | 2,
    "strp_sup": lambda offset: offset << 3 | 3,
    "ref": lambda offset: 0x1000 + offset,
    "elsewhere": lambda _: ELSEWHERE,
    "signature": lambda signature: SIGNATURE - signature,
    "flag": bool,
    "block": bytes,
    "string": bytes,
    "wide": bytes,
}
NAMES = {number: name for name, number in ENUM_DW_FORM.items() if isinstance(number, int)}
# Numbers of the table before DWARF 5; pyelftools knows only their names.
NAMES |= dict.fromkeys((dw.FORM_GNU_ADDR_INDEX, dw.FORM_GNU_STR_INDEX), "DW_FORM_udata")
# pyelftools 0.33 takes eight bytes for it; DWARF 5 (7.5.6) says four.
NAMES[dw.FORM_STRX4] = "DW_FORM_data4"


def theirs(form: int, layout: Layout, data: bytes) -> tuple[int, Any]:
    """Return where pyelftools is behind the value, and the value."""
    structs = DWARFStructs(
        little_endian=layout.little_endian,
        dwarf_format=8 * layout.offset_size,
        address_size=layout.address_size,
        dwarf_version=layout.version,
    )
    stream = BytesIO(data)
    parser: Any = structs.Dwarf_dw_form[NAMES[form]]
    return parser.parse_stream(stream), stream.tell()


def small(start: bytes, layout: Layout) -> bool:
    return int.from_bytes(start[:4], "little" if layout.little_endian else "big") < 1 << 16


@pytest.mark.parametrize("form", sorted(set(_SHAPES) - set(WITHOUT_BYTES) - {dw.FORM_INDIRECT}))
def test_a_form_is_read_as_pyelftools_reads_it(form: int) -> None:
    for layout, start in product(LAYOUTS, STARTS):
        kind = shape_of(form, layout).kind
        if form in LONG and (
            start is STARTS[2] or (form == dw.FORM_BLOCK4 and not small(start, layout))
        ):
            continue  # longer than any file
        data = start + bytes(range(1, 100)) + bytes(1 << 16 if kind == "block" else 100)
        value, end = theirs(form, layout, data)
        at = AT.get(kind, dw.AT_DECL_FILE)
        decode = compile_decoder((Attribute(at, form, 0),), frozenset((at,)), layout)
        found_end, found = decode(data, 0, 0x1000)
        assert (found_end, list(found.values())) == (end, [VALUE.get(kind, int)(value)])
        behind = uleb(form) + data
        assert indirect(at, layout)(behind, 0, 0x1000) == (end + len(uleb(form)), found)


@cache
def indirect(at: int, layout: Layout) -> Callable[..., Any]:
    """Return what reads an attribute whose form stands before its value."""
    return compile_decoder((Attribute(at, dw.FORM_INDIRECT, 0),), frozenset((at,)), layout)


@pytest.mark.parametrize("form", [dw.FORM_INDIRECT, dw.FORM_IMPLICIT_CONST])
def test_a_form_that_cannot_stand_before_its_value_is_refused(form: int) -> None:
    """One would never end, and the value of the other is in no entry."""
    with pytest.raises(InputRejected, match=f"form {form:#x} behind DW_FORM_indirect"):
        indirect(dw.AT_NAME, LAYOUTS[0])(uleb(form) + bytes(9), 0, 0)


@pytest.mark.parametrize("form", WITHOUT_BYTES)
def test_a_form_without_bytes_has_its_value_from_elsewhere(form: int) -> None:
    decode = compile_decoder(
        (Attribute(dw.AT_DECL_FILE, form, 7),), frozenset((dw.AT_DECL_FILE,)), LAYOUTS[0]
    )
    assert decode(b"", 0, 0) == (0, {dw.AT_DECL_FILE: WITHOUT_BYTES[form]})


def test_a_number_has_ten_bytes_at_most() -> None:
    """Which carry 64 bits, and padding; what is longer is padding without end."""
    assert read_uleb(b"\x85" + 8 * b"\x80" + b"\x00", 0) == (5, 10)
    with pytest.raises(InputRejected, match="more than ten bytes"):
        read_uleb(b"\x85" + 9 * b"\x80" + b"\x00", 0)
