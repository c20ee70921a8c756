"""Range and location lists: where code is, where a variable is (DWARF 5, 2.6, 2.17, 7.25, 7.29).

A location list is a range list with an expression behind each range; only the numbers of its kinds
are shifted by one from the default location on.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.forms import read_uleb
from harness.symbols.limits import beyond
from harness.symbols.lines import Range

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit
    from harness.symbols.sections import Section

STAGE = "extraction"

_WINDOW_BYTES = 1024
_ENTRY_BYTES = 40  # the longest entry, without its expression
_END, _BASE_X, _START_X_END_X, _START_X_LENGTH, _OFFSET_PAIR, _DEFAULT, _BASE = range(7)
_SPLIT_BASE, _SPLIT_ENDS, _SPLIT_LENGTH, _SPLIT_OFFSETS = range(1, 5)
_PAIRS = {
    (order, size): struct.Struct(f"{mark}2{code}").unpack_from
    for order, mark in (("little", "<"), ("big", ">"))
    for size, code in ((4, "I"), (8, "Q"))
}
_START_END, _START_LENGTH, _VIEW_PAIR, _UNKNOWN = range(7, 11)

Places: TypeAlias = tuple[list[Range], list[bytes]]
"""Address ranges, and the expression that holds in each; EVERYWHERE for one that always does."""

CODE = (dw.AT_LOW_PC, dw.AT_LOW_PC_INDEX, dw.AT_RANGES, dw.AT_RANGES_INDEX)
"""What an entry that has code has one of."""

EVERYWHERE = (0, 0)
"""The range of an expression that holds wherever its variable is in scope."""


def pc_ranges(unit: Unit, attributes: dict[int, Any]) -> list[Range]:
    """Return the entry's code ranges, in file order, without empty and discarded ones."""
    if dw.AT_RANGES in attributes:
        return _read_ranges(unit, attributes[dw.AT_RANGES])
    if dw.AT_RANGES_INDEX in attributes:
        offset = _indexed_list(unit, ".debug_rnglists", attributes[dw.AT_RANGES_INDEX])
        return _read_ranges(unit, offset)
    low = unit.address(attributes)
    if low is None:
        return []
    if dw.AT_HIGH_PC_OFFSET in attributes:
        high = low + attributes[dw.AT_HIGH_PC_OFFSET]
    elif dw.AT_HIGH_PC_INDEX in attributes:
        high = unit.indexed_address(attributes[dw.AT_HIGH_PC_INDEX])
    else:
        high = attributes.get(dw.AT_HIGH_PC, low)
    return _live(unit, [(low, high)]) if high > low else []


def _read_ranges(unit: Unit, offset: int) -> list[Range]:
    if unit.layout.version >= 5:
        return _live(unit, _read_list(unit, ".debug_rnglists", offset, None))
    return _live(unit, _read_pairs(unit, ".debug_ranges", unit.ranges_base + offset, None))


def _live(unit: Unit, ranges: list[Range]) -> list[Range]:
    """Return the ranges that do not begin at a mark of discarded code."""
    starts, end = unit.dead_starts, unit.dead_from
    return [code for code in ranges if code[0] not in starts and code[0] < end]


def read_places(unit: Unit, attributes: dict[int, Any]) -> Places:
    """Return where the variable is, in file order, listed ranges without addresses included.

    Two lists side by side: most of what is asked about a place is asked about one of them.
    """
    expressions: list[bytes] = []
    if dw.AT_LOCATION_LIST in attributes:
        offset = attributes[dw.AT_LOCATION_LIST]
        if unit.has_split_lists:
            return _read_split(unit, offset, expressions), expressions
        if unit.layout.version < 5:
            return _read_pairs(unit, ".debug_loc", offset, expressions), expressions
        return _read_list(unit, ".debug_loclists", offset, expressions), expressions
    if dw.AT_LOCATION in attributes:
        return [EVERYWHERE], [attributes[dw.AT_LOCATION]]
    if dw.AT_LOCATION_LIST_INDEX in attributes:
        index = attributes[dw.AT_LOCATION_LIST_INDEX]
        offset = _indexed_list(unit, ".debug_loclists", index)
        return _read_list(unit, ".debug_loclists", offset, expressions), expressions
    return [], []


def _indexed_list(unit: Unit, name: str, index: int) -> int:
    """Return the section offset of list `index` of this unit, through its table of offsets."""
    attribute = dw.AT_RNGLISTS_BASE if name == ".debug_rnglists" else dw.AT_LOCLISTS_BASE
    size = unit.layout.offset_size
    base = unit.attributes.get(attribute, 12 if size == 4 else 20)
    raw = unit.dwarf.required(name).read(base + index * size, size)
    return int(base + int.from_bytes(raw, unit.dwarf.order))


def _read_pairs(unit: Unit, name: str, offset: int, expressions: list[bytes] | None) -> list[Range]:
    """Read a list of DWARF 2 to 4: pairs of addresses, until one of two zeros."""
    section = unit.dwarf.required(name)
    size, order = unit.layout.address_size, unit.dwarf.order
    read_pair = _PAIRS[order, size]
    base, escape = unit.low_pc, (1 << 8 * size) - 1
    most = unit.dwarf.elf.limits.list_entries
    found: list[Range] = []
    pair, slack = 2 * size, 2 * size + 2
    data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
    start, safe = offset - at, len(data) - slack
    while True:
        if at > safe:
            unit.dwarf.budget.check_time()
            offset = start + at
            data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
            start, safe = offset - at, len(data) - slack
            if at + pair > len(data):
                return found
        low, high = read_pair(data, at)
        at += pair
        if low == high == 0:
            return found
        if low == escape:
            base = unit.base(high)
            continue
        if expressions is not None:
            length = int.from_bytes(data[at : at + 2], order)
            at += 2
            end = at + length
            expression = data[at:end] if end <= len(data) else section.read(start + at, length)
            at = end
            if high >= low:
                expressions.append(expression)
                found.append((base + low, base + high))
        elif high > low:
            found.append((base + low, base + high))
        if len(found) > most:
            raise _too_long(section, start + at, most)


def _read_split(unit: Unit, offset: int, expressions: list[bytes]) -> list[Range]:
    """Read a location list of a split unit before DWARF 5, as GNU's tools have it."""
    section = unit.dwarf.required(".debug_loc")
    order, most = unit.dwarf.order, unit.dwarf.elf.limits.list_entries
    base = unit.low_pc
    found: list[Range] = []
    at = offset
    while True:
        unit.dwarf.budget.check_time()
        data, start = section.near(at, min(_ENTRY_BYTES, section.size - at))
        begin, kind = start, data[start]
        start += 1
        if kind == _END:
            return found
        if kind == _SPLIT_BASE:
            low, start = read_uleb(data, start)
            base = unit.base(unit.indexed_address(low))
            at += start - begin
            continue
        if kind == _SPLIT_OFFSETS:
            low, high = (
                base + int.from_bytes(data[place : place + 4], order)
                for place in (start, start + 4)
            )
            start += 8
        elif kind in (_SPLIT_ENDS, _SPLIT_LENGTH):
            low, start = read_uleb(data, start)
            low = unit.indexed_address(low)
            if kind == _SPLIT_ENDS:
                high, start = read_uleb(data, start)
                high = unit.indexed_address(high)
            else:
                high = low + int.from_bytes(data[start : start + 4], order)
                start += 4
        else:
            raise InputRejected(
                f"unknown location list entry {kind:#x}", section=section.name, offset=at
            )
        length = int.from_bytes(data[start : start + 2], order)
        at += start + 2 - begin
        if high >= low:
            found.append((low, high))
            expressions.append(section.read(at, length))
        at += length
        if len(found) > most:
            raise _too_long(section, at, most)


def _read_list(  # noqa: C901, PLR0912, PLR0915 - one flat loop: a frame for each entry is seconds
    unit: Unit, name: str, offset: int, expressions: list[bytes] | None
) -> list[Range]:
    """Read a list of DWARF 5."""
    section = unit.dwarf.required(name)
    size, order = unit.layout.address_size, unit.dwarf.order
    base, most = unit.low_pc, unit.dwarf.elf.limits.list_entries
    found: list[Range] = []
    data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
    start = offset - at
    limit = len(data)
    # Up to here an entry is sure to end inside the window.
    safe = limit - (_ENTRY_BYTES if start + limit < section.size else 1)
    while True:
        if at > safe:
            unit.dwarf.budget.check_time()
            offset = start + at
            data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
            start = offset - at
            limit = len(data)
            safe = limit - (_ENTRY_BYTES if start + limit < section.size else 1)
            if at >= limit:
                if expressions is None:
                    return found
                raise InputRejected("a location list without end", section=name, offset=offset)
        kind = data[at]
        at += 1
        if kind > _OFFSET_PAIR and expressions is None:
            kind = kind + 1 if kind < _START_LENGTH else _UNKNOWN
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
            return found
        elif kind in (_BASE_X, _START_X_LENGTH, _START_X_END_X):
            low, at = read_uleb(data, at)
            low = unit.indexed_address(low)
            if kind == _BASE_X:
                base = unit.base(low)
                continue
            high, at = read_uleb(data, at)
            high = low + high if kind == _START_X_LENGTH else unit.indexed_address(high)
        elif kind in (_BASE, _START_LENGTH, _START_END):
            low = int.from_bytes(data[at : at + size], order)
            at += size
            if kind == _BASE:
                base = unit.base(low)
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
            what = "range" if expressions is None else "location"
            raise InputRejected(
                f"unknown {what} list entry {data[at - 1]:#x}", section=name, offset=start + at
            )
        if expressions is None:
            if high > low:
                found.append((low, high))
        else:
            length, at = (data[at], at + 1) if data[at] < 128 else read_uleb(data, at)
            end = at + length
            expression = data[at:end] if end <= limit else section.read(start + at, length)
            at = end
            if high >= low:
                found.append((low, high))
                expressions.append(expression)
        if len(found) > most:
            raise _too_long(section, start + at, most)


def _too_long(section: Section, offset: int, most: int) -> InputRejected:
    kind = "location" if section.name.startswith(".debug_loc") else "range"
    reason = f"a {kind} list of more than {most} entries"
    return beyond("list_entries", most, reason, section=section.name, offset=offset)
