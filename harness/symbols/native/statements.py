"""The statements that are a function's own: not those inlined into it, not those of other files."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from harness.symbols.lines import LineSpan, merge_lines

if TYPE_CHECKING:
    from harness.symbols.dwarf.lines import LineTable
    from harness.symbols.dwarf.lists import Range

STAGE = "scope tree"


class Statements:
    """Addresses and lines of one function's statements, by address, as machine integers."""

    def __init__(self) -> None:
        self._addresses = array("Q")
        self._lines = array("I")

    def spans(self) -> list[LineSpan]:
        """Return the lines, equal and consecutive ones merged."""
        return merge_lines(self._lines)

    def between(self, low: int, high: int) -> LineSpan | None:
        """Return the lowest and highest line of the statements that begin in an address range.

        One that begins exactly at `high` counts, one that is already running at `low` does not.
        """
        start = bisect_left(self._addresses, low)
        end = bisect_right(self._addresses, high, start)
        if start == end:
            return None
        lines = memoryview(self._lines)[start:end]
        return min(lines), max(lines)

    def around(self, ranges: Iterable[Range]) -> LineSpan | None:
        """Return the lowest and highest line over several address ranges."""
        spans = [span for low, high in ranges if (span := self.between(low, high))]
        if not spans:
            return None
        return min(span[0] for span in spans), max(span[1] for span in spans)

    def add(self, table: LineTable, piece: slice, files: frozenset[int]) -> None:
        """Append the rows of `piece` that stand in one of `files`."""
        numbers = table.files[piece]
        if sum(map(numbers.count, files)) == len(numbers):
            self._addresses.extend(memoryview(table.addresses)[piece])
            self._lines.extend(table.lines[piece])
            return
        for index, number in enumerate(numbers, piece.start):
            if number in files:
                self._addresses.append(table.addresses[index])
                self._lines.append(table.lines[index])


def own_statements(
    table: LineTable, ranges: list[Range], inlined: list[Range], files: frozenset[int]
) -> Statements:
    """Return the statements in `ranges` but not in `inlined` that stand in one of `files`."""
    statements = Statements()
    inlined.sort()
    for code in sorted(ranges):
        for low, high in _iter_gaps(code, inlined):
            for piece in table.iter_slices(low, high):
                statements.add(table, piece, files)
    return statements


def _iter_gaps(code: Range, holes: list[Range]) -> Iterator[Range]:
    """Yield what is left of `code` without the sorted `holes`."""
    low, high = code
    for start, end in holes:
        if start >= high:
            break
        if end <= low:
            continue
        if start > low:
            yield low, start
        low = max(low, end)
    if low < high:
        yield low, high
