"""Line ranges of functions: injectible lines, lines under a PC range, unions, intersections.

A line table entry is `(pc_lo, pc_hi, line)`; the entries of one function are sorted by `pc_lo` and
do not overlap. A line range is a pair, both ends inclusive.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Entry: TypeAlias = tuple[int, int, int]
Range: TypeAlias = tuple[int, int]
LineSpan: TypeAlias = Range


def injectible_ranges(entries: Iterable[Entry]) -> list[Range]:
    """Return the lines of the entries, equal and consecutive ones merged into ranges."""
    return merge_lines(line for _, _, line in entries)


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


def lines_of_pcs(entries: Sequence[Entry], pc_lo: int, pc_hi: int) -> Range | None:
    """Return lowest and highest line of the entries that begin in a PC range, end included.

    A probe goes to where an entry begins, so an entry that is already running at `pc_lo` does not
    count, and one that begins exactly at `pc_hi` does. Line 0 means "no line".
    """
    low = high = 0
    # (pc_lo,) sorts before every entry that begins at pc_lo.
    for index in range(bisect_left(entries, (pc_lo,)), len(entries)):
        begin, _, line = entries[index]
        if begin > pc_hi:
            break
        if line and (low == 0 or line < low):
            low = line
        if line > high:  # noqa: PLR1730 - hot: a comparison is half the price of max()
            high = line
    return (low, high) if low else None


def lines_of_ranges(entries: Sequence[Entry], pcs: Iterable[Range]) -> Range | None:
    """Return lowest and highest line over several PC ranges; None if none has a line."""
    found = [lines for pc_lo, pc_hi in pcs if (lines := lines_of_pcs(entries, pc_lo, pc_hi))]
    if not found:
        return None
    return min(lines[0] for lines in found), max(lines[1] for lines in found)


def merge_overlapping(ranges: Iterable[Range]) -> list[Range]:
    """Return sorted ranges with overlapping ones merged; ranges that only touch stay apart."""
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
