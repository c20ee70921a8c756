"""Types without a name of their own, and the typedefs that name them, in machine integers."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from heapq import merge

STAGE = "extraction"

LOW_HALF = (1 << 32) - 1


def holds(values: array[int], value: int) -> bool:
    """Tell whether a value is among sorted ones."""
    at = bisect_left(values, value)
    return at < len(values) and values[at] == value


class UnnamedTypes:
    """The unnamed types of one unit; offsets are relative to it. Note in file order, then seal."""

    def __init__(self) -> None:
        self._types = array("Q")
        self._typedefs = array("Q")  # the type in the high half, the typedef in the low half

    def note_type(self, offset: int) -> None:
        """Note a type without a name."""
        self._types.append(offset)

    def is_last(self, offset: int) -> bool:
        """Tell whether a type is the one noted last."""
        return bool(self._types) and self._types[-1] == offset

    def note_typedef(self, offset: int, target: int) -> None:
        """Note that a typedef refers to a type: one met already, or one that is still to come."""
        if target > offset or holds(self._types, target):
            self._typedefs.append(target << 32 | offset)

    def seal(self, fits: Callable[[int, int], bool] = lambda _type, _typedef: True) -> None:
        """Keep the first typedef of each unnamed type that fits it, and nothing else."""
        kept, last = array("Q"), -1
        for key in sorted(self._typedefs):
            target = key >> 32
            if target != last and holds(self._types, target) and fits(target, key & LOW_HALF):
                kept.append(key)
                last = target
        self._typedefs = kept

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
        return self._typedefs[at] & LOW_HALF


_SORTED_AT_ONCE = 4096


def sort(values: array[int]) -> array[int]:
    """Sort machine integers without ever holding a Python object for each of them."""
    runs = [
        array("Q", sorted(values[start : start + _SORTED_AT_ONCE]))
        for start in range(0, len(values), _SORTED_AT_ONCE)
    ]
    return runs[0] if len(runs) == 1 else array("Q", merge(*runs))
