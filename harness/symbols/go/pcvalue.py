"""Tables of values by PC: pairs of varints, a value delta and a PC delta, until a zero delta."""

from __future__ import annotations

from typing import TypeAlias

from harness.errors import InputRejected
from harness.symbols.sections import Section

PcRange: TypeAlias = tuple[int, int, int]
"""`(pc_lo, pc_hi, value)`."""

_WINDOW_BYTES = 512
_MAX_TABLE_BYTES = 16 << 20


def read_pc_values(section: Section, offset: int, entry: int, quantum: int) -> list[PcRange]:
    """Decode the table at `offset` into ranges sorted by PC; ranges without PCs are left out.

    Raises:
        InputRejected: The table does not end inside the section.
    """
    size = _WINDOW_BYTES
    while True:
        data = section.window(offset, size)
        try:
            return _decode(data, entry, quantum)
        except IndexError:
            # The window was too small, or the table is damaged.
            if len(data) < size or size >= _MAX_TABLE_BYTES:
                raise InputRejected(
                    "a PC table has no end", section=section.name, offset=offset
                ) from None
            size *= 8


def _decode(data: bytes, pc: int, quantum: int) -> list[PcRange]:
    """Decode one table; IndexError when the data ends before it does."""
    ranges: list[PcRange] = []
    position = 0
    value = -1
    while True:
        delta = data[position]
        position += 1
        if delta >= 0x80:
            delta, position = _varint(data, position, delta)
        elif delta == 0 and position > 1:
            return ranges
        value += ~(delta >> 1) if delta & 1 else delta >> 1
        step = data[position]
        position += 1
        if step >= 0x80:
            step, position = _varint(data, position, step)
        if step:
            end = pc + step * quantum
            ranges.append((pc, end, value))
            pc = end


def _varint(data: bytes, position: int, octet: int) -> tuple[int, int]:
    """Finish a varint whose first octet was read already; it holds 32 bits."""
    number = octet & 0x7F
    shift = 7
    while octet >= 0x80:
        octet = data[position]
        position += 1
        number |= (octet & 0x7F) << shift
        shift += 7
        if shift > 70:
            raise IndexError
    return number & 0xFFFFFFFF, position
