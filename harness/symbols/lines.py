"""Line ranges of functions: injectible lines, lines under a PC range, unions, intersections.

A line range is a pair, both ends inclusive.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, MutableSequence, Sequence
from typing import TypeAlias

from harness.model import LineRange

STAGE = "scope tree"

_MANY_ENTRIES = 256

Range: TypeAlias = tuple[int, int]
"""Lines, both included, or addresses, without the last."""


def merge_lines(numbers: Iterable[int]) -> list[Range]:
    """Return line numbers as ranges, equal and consecutive ones merged."""
    lines = sorted(set(numbers))
    if not lines:
        return []
    merged: list[Range] = []
    start = end = lines[0]
    for line in lines[1:]:
        if line > end + 1:
            merged.append((start, end))
            start = line
        end = line
    merged.append((start, end))
    return merged


class PcLines:
    """The lines of one function: the PCs at which entries begin, sorted, and the line of each.

    Where an entry ends is never asked for: a probe goes to where it begins. Ranges may overlap as
    they like, so `check_time` is asked wherever one holds many entries.
    """

    __slots__ = ("_check_time", "_injectible", "begins", "lines")

    def __init__(
        self,
        begins: MutableSequence[int],
        lines: MutableSequence[int],
        check_time: Callable[[], None],
    ) -> None:
        self.begins = begins
        self.lines = lines
        self._check_time = check_time
        self._injectible: list[Range] | None = None

    def injectible(self) -> list[Range]:
        """Return the lines, equal and consecutive ones merged into ranges."""
        if self._injectible is None:
            self._injectible = merge_lines(self.lines)
        return self._injectible

    def spans(self, pcs: Iterable[Range]) -> list[Range]:
        """Return, for each PC range, lowest and highest line of the entries that begin in it.

        An entry that is already running at the low end does not count, and one that begins exactly
        at the high end does. Line 0 means "no line"; a range without lines has no part in the
        result.
        """
        begins, lines = self.begins, self.lines
        found: list[Range] = []
        for pc_lo, pc_hi in pcs:
            first = bisect_left(begins, pc_lo)
            part = lines[first : bisect_right(begins, pc_hi, first)]
            if not part:
                continue
            if len(part) > _MANY_ENTRIES:
                self._check_time()
            low = min(part)
            if low == 0:
                part = [line for line in part if line]
                if not part:
                    continue
                low = min(part)
            found.append((low, max(part)))
        return found

    def available(self, pcs: Iterable[Range]) -> list[Range]:
        """Return the lines under PC ranges, overlapping ones merged."""
        found = self.spans(pcs)
        return found if len(found) < 2 else merge_overlapping(found)

    def span_of_ranges(self, pcs: Iterable[Range]) -> Range | None:
        """Return lowest and highest line over several PC ranges; None if none has a line."""
        found = self.spans(pcs)
        if not found:
            return None
        return min(lines[0] for lines in found), max(lines[1] for lines in found)


def merge_overlapping(ranges: Sequence[Range]) -> list[Range]:
    """Return sorted ranges with overlapping ones merged; ranges that only touch stay apart."""
    if len(ranges) < 2:  # most variables have one range, or none
        return list(ranges)
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def intersect(left: Sequence[Range], right: Sequence[Range]) -> list[Range]:
    """Return the lines that two sorted lists of disjoint ranges have in common."""
    common: list[Range] = []
    at_left = at_right = 0
    while at_left < len(left) and at_right < len(right):
        start = max(left[at_left][0], right[at_right][0])
        end = min(left[at_left][1], right[at_right][1])
        if start <= end:
            common.append((start, end))
        if left[at_left][1] < right[at_right][1]:
            at_left += 1
        else:
            at_right += 1
    return common


def to_line_ranges(pairs: Sequence[Range]) -> tuple[LineRange, ...]:
    """Return line ranges as the wire has them."""
    if len(pairs) == 1:  # most variables have one, and a generator costs more than that
        return (LineRange(*pairs[0]),)
    return tuple([LineRange(start, end) for start, end in pairs])
