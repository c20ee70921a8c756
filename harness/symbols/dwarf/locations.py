"""Where a variable is: location expressions and lists (DWARF 5, sections 2.6 and 7.29)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.forms import read_uleb
from harness.symbols.dwarf.ranges import Range, indexed_list, required, too_long

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit

STAGE = "extraction"

_WINDOW_BYTES = 1024
_ENTRY_BYTES = 40  # the longest entry, without its expression
_END, _BASE_X, _START_X_END_X, _START_X_LENGTH, _OFFSET_PAIR, _DEFAULT, _BASE = range(7)
_START_END, _START_LENGTH, _VIEW_PAIR = 7, 8, 9
EVERYWHERE = (0, 0)
"""The range of an expression that holds wherever its variable is in scope."""


Places: TypeAlias = tuple[list[Range], list[bytes]]
"""Address ranges [low, high), and the expression that holds in each; (0, 0) means everywhere."""


def read_places(unit: Unit, attributes: dict[int, Any]) -> Places:
    """Return where the variable is, in file order, listed ranges without addresses included.

    Two lists side by side: most of what is asked about a place is asked about one of them.
    """
    if dw.AT_LOCATION_LIST in attributes:
        offset = attributes[dw.AT_LOCATION_LIST]
        return (_read_loclist if unit.layout.version >= 5 else _read_pairs)(unit, offset)
    if dw.AT_LOCATION in attributes:
        return [EVERYWHERE], [attributes[dw.AT_LOCATION]]
    if dw.AT_LOCATION_LIST_INDEX in attributes:
        index = attributes[dw.AT_LOCATION_LIST_INDEX]
        return _read_loclist(unit, indexed_list(unit, ".debug_loclists", index))
    return [], []


def _read_pairs(unit: Unit, offset: int) -> Places:
    section = required(unit, ".debug_loc")
    size, order = unit.layout.address_size, unit.dwarf.order
    base, escape = unit.low_pc, (1 << 8 * size) - 1
    most = unit.dwarf.elf.limits.list_entries
    found: list[Range] = []
    expressions: list[bytes] = []
    data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
    start = offset - at
    while True:
        if at + 2 * size + 2 > len(data):
            offset = start + at
            unit.dwarf.budget.check_time()
            data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
            start = offset - at
        low = int.from_bytes(data[at : at + size], order)
        high = int.from_bytes(data[at + size : at + 2 * size], order)
        at += 2 * size
        if low == high == 0:
            return found, expressions
        if low == escape:
            base = high
            continue
        length = int.from_bytes(data[at : at + 2], order)
        at += 2
        end = at + length
        expression = data[at:end] if end <= len(data) else section.read(start + at, length)
        at = end
        if high >= low:
            found.append((base + low, base + high))
            expressions.append(expression)
            if len(found) > most:
                raise too_long("location", most, section, start + at)


def _read_loclist(unit: Unit, offset: int) -> Places:  # noqa: C901, PLR0912, PLR0915
    # One flat loop: a Go program has hundreds of thousands of entries, a frame for each is seconds.
    section = required(unit, ".debug_loclists")
    size, order = unit.layout.address_size, unit.dwarf.order
    base, most = unit.low_pc, unit.dwarf.elf.limits.list_entries
    found: list[Range] = []
    expressions: list[bytes] = []
    data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
    start = offset - at
    limit = len(data)
    # Up to here an entry is sure to end inside the window.
    safe = limit - (_ENTRY_BYTES if start + limit < section.size else 1)
    while True:
        if at > safe:
            offset = start + at
            unit.dwarf.budget.check_time()
            data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
            start = offset - at
            limit = len(data)
            safe = limit - (_ENTRY_BYTES if start + limit < section.size else 1)
            if at >= limit:
                raise InputRejected(
                    "a location list without end", section=section.name, offset=offset
                )
        kind = data[at]
        at += 1
        if kind == _OFFSET_PAIR:
            low = data[at]
            at += 1
            if low > 127:  # most numbers have one octet or two
                if data[at] < 128:
                    low += (data[at] << 7) - 128
                    at += 1
                else:
                    low, at = read_uleb(data, at - 1)
            high = data[at]
            at += 1
            if high > 127:
                if data[at] < 128:
                    high += (data[at] << 7) - 128
                    at += 1
                else:
                    high, at = read_uleb(data, at - 1)
            low += base
            high += base
        elif kind == _END:
            return found, expressions
        elif kind in (_BASE_X, _START_X_LENGTH, _START_X_END_X):
            low = data[at]
            at += 1
            if low > 127:
                low, at = read_uleb(data, at - 1)
            low = unit.indexed_address(low)
            if kind == _BASE_X:
                base = low
                continue
            high = data[at]
            at += 1
            if high > 127:
                high, at = read_uleb(data, at - 1)
            high = low + high if kind == _START_X_LENGTH else unit.indexed_address(high)
        elif kind in (_BASE, _START_LENGTH, _START_END):
            low = int.from_bytes(data[at : at + size], order)
            at += size
            if kind == _BASE:
                base = low
                continue
            if kind == _START_LENGTH:
                high, at = read_uleb(data, at)
                high += low
            else:
                high = int.from_bytes(data[at : at + size], order)
                at += size
        elif kind == _VIEW_PAIR:
            _, at = read_uleb(data, at)
            _, at = read_uleb(data, at)
            continue
        elif kind == _DEFAULT:
            low = high = 0
        else:
            raise InputRejected(
                f"unknown location list entry {kind:#x}", section=section.name, offset=start + at
            )
        length, at = (data[at], at + 1) if data[at] < 128 else read_uleb(data, at)
        end = at + length
        expression = data[at:end] if end <= limit else section.read(start + at, length)
        at = end
        if high >= low:
            found.append((low, high))
            expressions.append(expression)
            if len(found) > most:
                raise too_long("location", most, section, start + at)
