"""Type units: types that stand in a unit of their own, and are referred to by a signature.

DWARF 4 has them in .debug_types, DWARF 5 among the others in .debug_info. What is kept of one is 64
bits: half its signature and its number, sorted and spilled; the header is read again to be sure.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Literal, NamedTuple

from harness.symbols.dwarf.units import UT_TYPE, Dwarf, Unit, unit_offsets
from harness.symbols.spill import SortedKeys

if TYPE_CHECKING:
    from harness.symbols.sections import Section

STAGE = "extraction"

_HEADER_BYTES = 48
_WINDOW_BYTES = 16 * 1024
_HALF = 32
_LOW_HALF = (1 << _HALF) - 1


class _Source(NamedTuple):
    """A section with type units. A view of its own: references jump, reading .debug_info does not.

    Attributes:
        section: The section.
        offsets: Where its units start, and where the last one ends.
        first: What its units are numbered from.
    """

    section: Section
    offsets: array[int]
    first: int


class TypeUnits:
    """The type units of one file, by signature."""

    def __init__(self, dwarf: Dwarf) -> None:
        self._dwarf = dwarf
        self._keys = SortedKeys()
        self._sources = [_Source(dwarf.info.view(_WINDOW_BYTES), dwarf.unit_offsets, 0)]
        types = dwarf.elf.section(".debug_types")
        if types is not None:
            offsets = unit_offsets(types, dwarf.order, dwarf.budget)
            self._sources.append(_Source(types, offsets, len(dwarf.unit_offsets)))
        self._known = sum(map(self._note, self._sources))
        self._keys.seal()
        self._referred = bytearray(sum(len(source.offsets) for source in self._sources))

    def close(self) -> None:
        """Give the file of the index back."""
        self._keys.close()

    def unreferred(self) -> int:
        """Return how many type units nobody has asked for so far."""
        return self._known - sum(self._referred)

    def find(self, signature: int) -> tuple[Unit, int] | None:
        """Return the unit of a type and the type's offset; None when there is no such unit."""
        half = signature >> _HALF
        for key in self._keys.iter_range(half << _HALF, half + 1 << _HALF):
            source, at = self._place(key & _LOW_HALF)
            head = _read_head(source, at, self._dwarf.order)
            if head is not None and head[0] == signature:
                self._referred[key & _LOW_HALF] = 1
                start, end = source.offsets[at], source.offsets[at + 1]
                return Unit(self._dwarf, start, end, source.section), start + head[1]
        return None

    def _note(self, source: _Source) -> int:
        found = 0
        for at in range(len(source.offsets) - 1):
            head = _read_head(source, at, self._dwarf.order)
            if head is not None:
                self._keys.add(head[0] >> _HALF << _HALF | source.first + at)
                found += 1
        return found

    def _place(self, number: int) -> tuple[_Source, int]:
        source = self._sources[-1] if number >= self._sources[-1].first else self._sources[0]
        return source, number - source.first


def _read_head(
    source: _Source, number: int, order: Literal["little", "big"]
) -> tuple[int, int] | None:
    """Return the signature of a type unit and where its type is; None for any other unit."""
    head = source.section.window(source.offsets[number], _HEADER_BYTES)
    offset_size, at = (8, 12) if head[:4] == b"\xff\xff\xff\xff" else (4, 4)
    version = int.from_bytes(head[at : at + 2], order)
    if version >= 5:
        if head[at + 2] != UT_TYPE:
            return None
        at += 4 + offset_size
    elif source.first:
        at += 3 + offset_size
    else:
        return None
    behind = at + 8
    return (
        int.from_bytes(head[at:behind], order),
        int.from_bytes(head[behind : behind + offset_size], order),
    )
