"""Line ranges: both merge rules, the inclusive end, intersections."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.symbols.lines import PcLines, Range, intersect, merge_lines, merge_overlapping


def never() -> None:
    """Have no limit."""


TABLE = PcLines([10, 20, 30, 50, 60], [5, 9, 7, 0, 8], never)


@pytest.mark.parametrize(
    ("lines", "ranges"),
    [
        ([], []),
        ([4], [(4, 4)]),
        ([4, 4, 4], [(4, 4)]),
        ([5, 4], [(4, 5)]),
        ([1, 2, 3, 5, 6, 9], [(1, 3), (5, 6), (9, 9)]),
    ],
)
def test_injectible_lines_merge_when_equal_or_consecutive(
    lines: list[int], ranges: list[Range]
) -> None:
    assert merge_lines(lines) == ranges


@pytest.mark.parametrize(
    ("low", "high", "lines"),
    [
        (10, 20, (5, 9)),  # the entry at the end counts
        (10, 19, (5, 5)),
        (11, 19, None),  # a run that is already open does not
        (11, 30, (7, 9)),
        (0, 100, (5, 9)),
        (50, 60, (8, 8)),  # line 0 is no line
        (50, 55, None),
        (70, 80, None),
    ],
)
def test_a_pc_range_covers_the_entries_that_begin_in_it(
    low: int, high: int, lines: Range | None
) -> None:
    assert TABLE.spans([(low, high)]) == ([lines] if lines else [])


def test_several_pc_ranges_give_their_outermost_lines_or_none() -> None:
    assert TABLE.span_of_ranges([(11, 19), (30, 35), (60, 65)]) == (7, 8)
    assert TABLE.span_of_ranges([(11, 19)]) is None
    assert TABLE.span_of_ranges([]) is None


@pytest.mark.parametrize(
    ("ranges", "merged"),
    [
        ([], []),
        ([(139, 139), (140, 140)], [(139, 139), (140, 140)]),
        ([(1, 5), (5, 6)], [(1, 6)]),
        ([(7, 9), (1, 8)], [(1, 9)]),
        ([(1, 9), (2, 3)], [(1, 9)]),
        ([(3, 3), (3, 3)], [(3, 3)]),
    ],
)
def test_availability_merges_only_what_overlaps(ranges: list[Range], merged: list[Range]) -> None:
    assert merge_overlapping(ranges) == merged


_LINES = st.sets(st.integers(1, 40))


def _ranges(lines: set[int]) -> list[Range]:
    return merge_lines(lines)


def _lines(ranges: list[Range]) -> set[int]:
    return {line for start, end in ranges for line in range(start, end + 1)}


@given(_LINES, _LINES)
def test_for_all_line_sets_the_intersection_holds_exactly_the_common_lines(
    left: set[int], right: set[int]
) -> None:
    assert _lines(intersect(_ranges(left), _ranges(right))) == left & right


def test_the_clock_is_asked_for_each_range_of_many_lines() -> None:
    asked: list[None] = []
    lines = PcLines(list(range(1000)), [1] * 1000, lambda: asked.append(None))
    assert lines.spans([(0, 1000), (0, 10), (0, 999)]) == [(1, 1)] * 3
    assert len(asked) == 2
