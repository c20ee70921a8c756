"""Types without a name of their own, and the typedefs that give them one.

`typedef struct { ... } point;` is how C names most of its types, and in DWARF that struct has no
name and no link to the typedef. Offsets are kept as machine integers: 8 bytes a type, 8 more for
one that a typedef names.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator

STAGE = "extraction"

_LOW_HALF = (1 << 32) - 1


class UnnamedTypes:
    """The unnamed types of one unit; offsets are relative to it. Note in file order, then seal."""

    def __init__(self) -> None:
        self._types = array("Q")
        self._typedefs = array("Q")  # the type in the high half, the typedef in the low half

    def note_type(self, offset: int) -> None:
        """Note a type without a name."""
        self._types.append(offset)

    def note_typedef(self, offset: int, target: int) -> None:
        """Note that a typedef refers to a type: one met already, or one that is still to come."""
        if target > offset or self._has(target):
            self._typedefs.append(target << 32 | offset)

    def seal(self) -> None:
        """Keep the first typedef of each unnamed type, and nothing else."""
        kept, last = array("Q"), -1
        for key in sorted(self._typedefs):
            target = key >> 32
            if target != last and self._has(target):
                kept.append(key)
                last = target
        self._typedefs = kept

    def _has(self, offset: int) -> bool:
        at = bisect_left(self._types, offset)
        return at < len(self._types) and self._types[at] == offset

    @property
    def without_typedef(self) -> int:
        """How many types have no name at all."""
        return len(self._types) - len(self._typedefs)

    def iter_named(self) -> Iterator[int]:
        """Yield the types that a typedef names, in file order."""
        return (key >> 32 for key in self._typedefs)

    def typedef_of(self, offset: int) -> int | None:
        """Return the typedef that names a type, if there is one."""
        at = bisect_left(self._typedefs, offset << 32)
        if at == len(self._typedefs) or self._typedefs[at] >> 32 != offset:
            return None
        return self._typedefs[at] & _LOW_HALF
