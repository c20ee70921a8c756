"""Headers of units, and where they are, of .debug_info and the sections like it."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import InputRejected
from harness.symbols.limits import STEP, ReadingBudget

if TYPE_CHECKING:
    from harness.symbols.headers import ByteOrder
    from harness.symbols.sections import Section

STAGE = "extraction"

UT_COMPILE, UT_TYPE, UT_PARTIAL, UT_SKELETON, UT_SPLIT_COMPILE, UT_SPLIT_TYPE = range(1, 7)
_HEADER_BYTES = 48
_LEAST_HEADER_BYTES = 7  # version, offset of the abbreviations, size of an address


class UnitHeader(NamedTuple):
    """The header of a unit; `size` is its own, `table` the offset of the abbreviations.

    `kind` is a DW_UT of DWARF 5; compile (or type) in older versions. A type unit has the
    `signature` of its type, which is at `type_offset` from the start of the unit.
    """

    kind: int
    version: int
    address_size: int
    offset_size: int
    table: int
    size: int
    signature: int
    type_offset: int


def read_header(section: Section, offset: int, order: ByteOrder) -> UnitHeader:
    """Read the header at `offset` of .debug_info or .debug_types; nothing of it is judged."""
    head = section.window(offset, _HEADER_BYTES).ljust(_HEADER_BYTES, b"\0")
    width, at = (8, 12) if head[:4] == b"\xff\xff\xff\xff" else (4, 4)
    version = int.from_bytes(head[at : at + 2], order)
    at += 2
    if version >= 5:
        kind, address_size = head[at], head[at + 1]
        table = int.from_bytes(head[at + 2 : at + 2 + width], order)
    else:
        kind = UT_TYPE if section.name.startswith(".debug_types") else UT_COMPILE
        table = int.from_bytes(head[at : at + width], order)
        address_size = head[at + width]
        at -= 1
    at += 2 + width
    signature = int.from_bytes(head[at : at + 8], order)
    type_offset = int.from_bytes(head[at + 8 : at + 8 + width], order)
    at += {UT_SKELETON: 8, UT_SPLIT_COMPILE: 8, UT_TYPE: 8 + width, UT_SPLIT_TYPE: 8 + width}.get(
        kind, 0
    )
    return UnitHeader(kind, version, address_size, width, table, at, signature, type_offset)


def unit_offsets(
    section: Section, order: ByteOrder, budget: ReadingBudget, start: int = 0
) -> array[int]:
    """Return where the units of a section start, and where the last one ends.

    Raises:
        InputRejected: A unit says that it is longer than the section or shorter than its header,
            or there are too many.
    """
    offsets = array("Q")
    at = start
    while at < section.size:
        if len(offsets) % STEP == 0:
            budget.foresee(len(offsets))
        offsets.append(at)
        head = section.window(at, 12)
        length = int.from_bytes(head[:4], order)
        at += 4 + length
        if length >= 0xFFFF_FFF0:
            length = int.from_bytes(head[4:12], order)
            at = offsets[-1] + 12 + length
        if length < _LEAST_HEADER_BYTES:
            raise InputRejected(
                f"a unit of {length} bytes, shorter than its header",
                section=section.name,
                offset=offsets[-1],
            )
        if at > section.size:
            raise InputRejected(
                "a unit longer than its section", section=section.name, offset=offsets[-1]
            )
    offsets.append(at)
    return offsets
