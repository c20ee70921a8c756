"""Code addresses of an entry: low and high, or a range list (DWARF 5, sections 2.17 and 7.25)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.forms import read_uleb
from harness.symbols.limits import beyond

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit
    from harness.symbols.sections import Section

STAGE = "extraction"

Range = tuple[int, int]
"""Addresses [low, high)."""

_WINDOW_BYTES = 512
_CHECKED_AFTER = 4096
_END, _BASE_X, _START_X_END_X, _START_X_LENGTH, _OFFSET_PAIR, _BASE, _START_END, _START_LENGTH = (
    range(8)
)


def pc_ranges(unit: Unit, attributes: dict[int, Any]) -> list[Range]:
    """Return the entry's code ranges, in file order, without empty ones."""
    if dw.AT_RANGES in attributes:
        return _read_listed(unit, attributes[dw.AT_RANGES])
    if dw.AT_RANGES_INDEX in attributes:
        offset = indexed_list(unit, ".debug_rnglists", attributes[dw.AT_RANGES_INDEX])
        return _read_listed(unit, offset)
    low = unit.address(attributes)
    if low is None:
        return []
    if dw.AT_HIGH_PC_OFFSET in attributes:
        high = low + attributes[dw.AT_HIGH_PC_OFFSET]
    elif dw.AT_HIGH_PC_INDEX in attributes:
        high = unit.indexed_address(attributes[dw.AT_HIGH_PC_INDEX])
    else:
        high = attributes.get(dw.AT_HIGH_PC, low)
    return [(low, high)] if high > low else []


def indexed_list(unit: Unit, section_name: str, index: int) -> int:
    """Return the section offset of list `index` of this unit, through its table of offsets."""
    section = required(unit, section_name)
    attribute = dw.AT_RNGLISTS_BASE if "rng" in section_name else dw.AT_LOCLISTS_BASE
    size = unit.layout.offset_size
    base = unit.attributes.get(attribute, 12 if size == 4 else 20)
    return int(base + int.from_bytes(section.read(base + index * size, size), unit.dwarf.order))


def required(unit: Unit, name: str) -> Section:
    """Return a section that an entry refers to."""
    section = unit.dwarf.elf.section(name)
    if section is None:
        raise InputRejected("an entry refers to a section that is not there", section=name)
    return section


def too_long(kind: str, most: int, section: Section, offset: int) -> InputRejected:
    """Return what to say of a list that has not ended where it should have."""
    reason = f"a {kind} list of more than {most} entries"
    return beyond("list_entries", most, reason, section=section.name, offset=offset)


def _read_listed(unit: Unit, offset: int) -> list[Range]:
    if unit.layout.version >= 5:
        return _read_rnglist(unit, offset)
    return list(_iter_pairs(unit, offset))


def _iter_pairs(unit: Unit, offset: int) -> Iterator[Range]:
    section = required(unit, ".debug_ranges")
    size, order = unit.layout.address_size, unit.dwarf.order
    base, escape = unit.low_pc, (1 << 8 * size) - 1
    most = unit.dwarf.elf.limits.list_entries
    number = 0
    while True:
        data, at = section.near(offset, 2 * size)
        offset += 2 * size
        if number % _CHECKED_AFTER == _CHECKED_AFTER - 1:
            unit.dwarf.budget.check_time()
        middle = at + size
        low = int.from_bytes(data[at:middle], order)
        high = int.from_bytes(data[middle : middle + size], order)
        if low == escape:
            base = high
        elif low == high == 0:
            return
        elif high > low:
            number += 1
            if number > most:
                raise too_long("range", most, section, offset)
            yield base + low, base + high


def _read_rnglist(unit: Unit, offset: int) -> list[Range]:
    section = required(unit, ".debug_rnglists")
    size, order = unit.layout.address_size, unit.dwarf.order
    base, most = unit.low_pc, unit.dwarf.elf.limits.list_entries
    found: list[Range] = []
    data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
    start = offset - at
    while True:
        if len(data) - at < 2 * size + 1 and start + len(data) < section.size:
            offset = start + at
            unit.dwarf.budget.check_time()
            data, at = section.near(offset, min(_WINDOW_BYTES, section.size - offset))
            start = offset - at
        kind = data[at] if at < len(data) else _END
        at += 1
        if kind == _END:
            return found
        if kind in (_BASE, _START_END, _START_LENGTH):
            low = int.from_bytes(data[at : at + size], order)
            at += size
        else:
            low, at = (data[at], at + 1) if data[at] < 128 else read_uleb(data, at)
        if kind in (_BASE, _BASE_X):
            base = unit.indexed_address(low) if kind == _BASE_X else low
            continue
        if kind == _START_END:
            high = int.from_bytes(data[at : at + size], order)
            at += size
        else:
            high, at = (data[at], at + 1) if data[at] < 128 else read_uleb(data, at)
        if kind == _OFFSET_PAIR:
            low, high = base + low, base + high
        else:
            low, high = _absolute(unit, kind, (low, high))
        if high > low:
            found.append((low, high))
            if len(found) > most:
                raise too_long("range", most, section, start + at)


def _absolute(unit: Unit, kind: int, pair: Range) -> Range:
    low, high = pair
    if kind == _START_END:
        return low, high
    if kind == _START_LENGTH:
        return low, low + high
    if kind not in (_START_X_END_X, _START_X_LENGTH):
        raise InputRejected(f"unknown range list entry {kind:#x}", section=".debug_rnglists")
    start = unit.indexed_address(low)
    return start, start + high if kind == _START_X_LENGTH else unit.indexed_address(high)
