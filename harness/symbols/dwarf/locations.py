"""Where a variable is: location expressions and lists (DWARF 5, sections 2.6 and 7.29)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.leb import read_uleb
from harness.symbols.dwarf.ranges import indexed_list, required

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit

_WINDOW_BYTES = 1024
_END, _BASE_X, _START_X_END_X, _START_X_LENGTH, _OFFSET_PAIR, _DEFAULT, _BASE = range(7)
_START_END, _START_LENGTH, _VIEW_PAIR = 7, 8, 9


class Location(NamedTuple):
    """An expression, and the addresses [low, high) where it holds; high 0 means everywhere."""

    low: int
    high: int
    expression: bytes


def iter_locations(
    unit: Unit, attributes: dict[int, Any], *, keep_empty: bool = False
) -> Iterator[Location]:
    """Yield where the variable is, in file order; nothing if it has no location.

    Listed ranges without addresses are left out unless asked for.
    """
    if dw.AT_LOCATION in attributes:
        yield Location(0, 0, attributes[dw.AT_LOCATION])
        return
    if dw.AT_LOCATION_LIST in attributes:
        listed = _iter_listed(unit, attributes[dw.AT_LOCATION_LIST])
    elif dw.AT_LOCATION_LIST_INDEX in attributes:
        index = attributes[dw.AT_LOCATION_LIST_INDEX]
        listed = _iter_loclists(unit, indexed_list(unit, ".debug_loclists", index))
    else:
        return
    for location in listed:
        if location.high > location.low or keep_empty or not location.high:
            yield location


def _iter_listed(unit: Unit, offset: int) -> Iterator[Location]:
    return (_iter_loclists if unit.layout.version >= 5 else _iter_pairs)(unit, offset)


def _iter_pairs(unit: Unit, offset: int) -> Iterator[Location]:
    section = required(unit, ".debug_loc")
    size, order = unit.layout.address_size, unit.dwarf.order
    base, escape = unit.low_pc, (1 << 8 * size) - 1
    data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
    start = offset - at
    while True:
        if at + 2 * size + 2 > len(data):
            offset = start + at
            data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
            start = offset - at
        low = int.from_bytes(data[at : at + size], order)
        high = int.from_bytes(data[at + size : at + 2 * size], order)
        at += 2 * size
        if low == high == 0:
            return
        if low == escape:
            base = high
            continue
        length = int.from_bytes(data[at : at + 2], order)
        at += 2
        if at + length > len(data):
            expression = section.read(offset + at, length)
        else:
            expression = data[at : at + length]
        at += length
        if high >= low:
            yield Location(base + low, base + high, expression)
        if at > len(data):
            offset, at = offset + at, 0
            data = section.window(offset, _WINDOW_BYTES)


def _iter_loclists(unit: Unit, offset: int) -> Iterator[Location]:
    section = required(unit, ".debug_loclists")
    size = unit.layout.address_size
    state = _State(unit, unit.low_pc)
    data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
    start = offset - at
    while True:
        if at + 2 * size + 16 > len(data) and start + len(data) < section.size:
            offset = start + at
            data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
            start = offset - at
        if at >= len(data):
            raise InputRejected("a location list without end", section=section.name, offset=offset)
        kind = data[at]
        if kind == _END:
            return
        if kind == _VIEW_PAIR and data[at + 1] < 128 and data[at + 2] < 128:
            at += 3  # by far the most frequent entries are read here
            continue
        found, at = state.read_entry(kind, data, at + 1)
        if found is None:
            continue
        length = data[at]
        at += 1
        if length > 127:
            length, at = read_uleb(data, at - 1)
        if at + length > len(data):
            expression = section.read(start + at, length)
        else:
            expression = data[at : at + length]
        at += length
        low, high = found
        if high >= low:
            yield Location(low, high, expression)


class _State:
    """The base address that list entries before this one have set."""

    def __init__(self, unit: Unit, base: int) -> None:
        self.unit = unit
        self.base = base

    def read_entry(self, kind: int, data: bytes, at: int) -> tuple[tuple[int, int] | None, int]:
        """Return the entry's addresses (None when it has no expression), and what follows them."""
        if kind == _OFFSET_PAIR:
            low, at = read_uleb(data, at)
            high, at = read_uleb(data, at)
            return (self.base + low, self.base + high), at
        if kind == _DEFAULT:
            return (0, 0), at
        if kind == _VIEW_PAIR:
            _, at = read_uleb(data, at)
            _, at = read_uleb(data, at)
            return None, at
        if kind in (_BASE, _START_END, _START_LENGTH):
            return self._read_fixed(kind, data, at)
        return self._read_indexed(kind, data, at)

    def _read_fixed(self, kind: int, data: bytes, at: int) -> tuple[tuple[int, int] | None, int]:
        size, order = self.unit.layout.address_size, self.unit.dwarf.order
        low = int.from_bytes(data[at : at + size], order)
        at += size
        if kind == _BASE:
            self.base = low
            return None, at
        if kind == _START_LENGTH:
            length, at = read_uleb(data, at)
            return (low, low + length), at
        return (low, int.from_bytes(data[at : at + size], order)), at + size

    def _read_indexed(self, kind: int, data: bytes, at: int) -> tuple[tuple[int, int] | None, int]:
        if kind not in (_BASE_X, _START_X_END_X, _START_X_LENGTH):
            raise InputRejected(f"unknown location list entry {kind:#x}", section=".debug_loclists")
        index, at = read_uleb(data, at)
        low = self.unit.indexed_address(index)
        if kind == _BASE_X:
            self.base = low
            return None, at
        operand, at = read_uleb(data, at)
        if kind == _START_X_LENGTH:
            return (low, low + operand), at
        return (low, self.unit.indexed_address(operand)), at


_OP_ADDR, _OP_REGX, _OP_FBREG, _OP_BREGX, _OP_PIECE, _OP_CFA = 0x03, 0x90, 0x91, 0x92, 0x93, 0x9C


@lru_cache(maxsize=512)
def is_available(expression: bytes, address_size: int) -> bool:
    """Tell whether a variable can be read through `expression`, by the strict rule.

    Only plain places count: an address, a register, or an offset from one. One of them alone
    covers the variable; several need a piece each, and every piece must be located.
    """
    at = pieces = plain = 0
    located = False
    while at < len(expression):
        op = expression[at]
        at += 1
        if op == _OP_PIECE:
            if not located:
                return False
            _, at = read_uleb(expression, at)
            pieces, located = pieces + 1, False
            continue
        if located:
            return False
        end = _after_place(op, expression, at, address_size)
        if end < 0:
            return False
        at, located, plain = end, True, plain + 1
    return plain > 0 and (pieces == plain or (pieces == 0 and plain == 1))


def _after_place(op: int, expression: bytes, at: int, address_size: int) -> int:
    """Return the position behind the operands of a plain place, -1 if `op` is anything else."""
    if 0x50 <= op <= 0x6F or op == _OP_CFA:
        return at
    if op == _OP_ADDR:
        return at + address_size
    if 0x70 <= op <= 0x8F or op in (_OP_REGX, _OP_FBREG):
        return read_uleb(expression, at)[1]
    if op == _OP_BREGX:
        return read_uleb(expression, read_uleb(expression, at)[1])[1]
    return -1
