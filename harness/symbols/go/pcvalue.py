"""Tables of values by PC: pairs of varints, a value delta and a PC delta, until a zero delta.

A Go program has five of them a function, with millions of pairs in all. Whole tables are decoded by
functions that run in C: the numbers of a table without long varints are its bytes as they are, the
others are cut out by a pattern and looked up, and both columns are added up by `accumulate`.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import NamedTuple

from harness.errors import InputRejected
from harness.symbols.sections import Section
from harness.symbols.spill import Known

STAGE = "extraction"

_WINDOW_BYTES = 512
_MAX_TABLE_BYTES = 2 << 20
_KNOWN_VARINTS = 512
_MOST_BITS = 70
_VARINT = re.compile(rb"[\x80-\xff]*[\x00-\x7f]")


class PcTable(NamedTuple):
    """Values by PC: `values[i]` holds from `bounds[i]` up to `bounds[i + 1]`, ascending."""

    bounds: list[int]
    values: list[int]


def _read_varint(octets: bytes) -> int:
    """Return what is left of an encoding in 32 bits."""
    if len(octets) == 2:  # most of those that are not known yet
        return octets[0] & 0x7F | octets[1] << 7
    if 7 * len(octets) > _MOST_BITS:
        raise IndexError
    number = 0
    for place, octet in enumerate(octets):
        number |= (octet & 0x7F) << 7 * place
    return number & 0xFFFFFFFF


def _read_signed(octets: bytes) -> int:
    number = _read_varint(octets)
    return ~(number >> 1) if number & 1 else number >> 1


_unsigned = Known(_KNOWN_VARINTS, _read_varint)
_signed = Known(_KNOWN_VARINTS, _read_signed)
_SIGNED_OCTETS = [~(octet >> 1) if octet & 1 else octet >> 1 for octet in range(128)]


def read_pc_values(section: Section, offset: int, entry: int, quantum: int) -> PcTable:
    """Decode the table at `offset`; ranges without PCs are left out.

    Raises:
        InputRejected: The table does not end inside the section.
    """
    size = _WINDOW_BYTES
    while True:
        data, at = section.near(offset, min(size, section.size - offset))
        try:
            return _decode(data, at, entry, quantum)
        except IndexError:
            # The window was too small, or the table is damaged.
            if size >= min(section.size - offset, _MAX_TABLE_BYTES):
                raise InputRejected(
                    "a PC table has no end", section=section.name, offset=offset
                ) from None
            size *= 8


def _decode(data: bytes, at: int, pc: int, quantum: int) -> PcTable:
    """Decode one table; IndexError when the data ends before it does."""
    # The first delta may be zero; behind it, the compiler writes no zero but the one at the end.
    end = data.find(0, at + 1)
    if end < 0:
        raise IndexError
    octets = data[at:end]
    if octets.isascii():
        steps = list(octets[1::2])
        deltas = list(map(_SIGNED_OCTETS.__getitem__, octets[::2]))
    else:
        varints = _VARINT.findall(octets)
        steps = list(map(_unsigned.__getitem__, varints[1::2]))
        deltas = list(map(_signed.__getitem__, varints[::2]))
    if len(steps) != len(deltas) or octets[-1] > 0x7F:
        return _decode_with_zeros(data, at, pc, quantum)
    if quantum > 1:
        steps = [step * quantum for step in steps]
    deltas[0] -= 1
    return PcTable(list(accumulate(steps, initial=pc)), list(accumulate(deltas)))


def _decode_with_zeros(data: bytes, at: int, pc: int, quantum: int) -> PcTable:
    """Decode a table in which ranges without PCs stand, or numbers longer than they need to be."""
    bounds, values = [pc], list[int]()
    value = -1
    start = at
    while True:
        delta, at = _next(data, at)
        if delta == b"\0" and at > start + 1:
            return PcTable(bounds, values)
        step, at = _next(data, at)
        value += _signed[delta]
        if _unsigned[step]:
            pc += _unsigned[step] * quantum
            bounds.append(pc)
            values.append(value)


def _next(data: bytes, at: int) -> tuple[bytes, int]:
    found = _VARINT.match(data, at)
    if found is None:
        raise IndexError
    return found[0], found.end()
