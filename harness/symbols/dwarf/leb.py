"""Variable-length integers (DWARF 5, section 7.6)."""

from __future__ import annotations

from harness.errors import InputRejected

STAGE = "extraction"

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
        if shift > _MOST_BITS:
            raise InputRejected("a LEB128 number of more than ten bytes")


def read_sleb(data: bytes, at: int) -> tuple[int, int]:
    """Return the signed value at `at`, and where the next byte is."""
    start = at
    value, at = read_uleb(data, at)
    if data[at - 1] & 0x40:
        value -= 1 << (7 * (at - start))
    return value, at
