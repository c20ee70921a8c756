"""Live heap over time: no clock that is set, no thinning and no mark may bend it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.probes.heap_line import merged, steady_times, thin_out
from harness.records import HeapPoint

DAY_MS = 86_400_000.0


@given(st.lists(st.integers(0, 2**40)), st.integers(1, 20))
def test_thinning_out_keeps_the_highest_point_the_order_and_the_limit(
    heaps: list[int], most: int
) -> None:
    points = [HeapPoint(float(at), heap) for at, heap in enumerate(heaps)]
    thinned = thin_out(points, most)
    assert len(thinned) == min(most, len(points))
    assert [p.at_s for p in thinned] == sorted({p.at_s for p in thinned})
    assert max((p.heap_bytes for p in thinned), default=0) == max(heaps, default=0)


@pytest.mark.parametrize(
    ("times_ms", "expected"),
    [
        ([], [0.0]),
        ([5.0], [0.0]),
        ([5.0, 15.0, 25.0], [0.0, 10.0, 20.0]),
        ([5.0, 15.0, 15.0, 5015.0], [0.0, 10.0, 10.0, 5010.0]),
        ([DAY_MS, DAY_MS + 10, 3.0, 13.0], [0.0, 10.0, 20.0, 30.0]),
        ([5.0, 15.0, DAY_MS, DAY_MS + 10], [0.0, 10.0, 20.0, 30.0]),
        ([DAY_MS, 5.0], [0.0, 0.0]),
    ],
    ids=["none", "one", "steady", "a long wait", "set back", "set forward", "nothing to go by"],
)
def test_a_clock_that_was_set_does_not_show(times_ms: list[float], expected: list[float]) -> None:
    assert steady_times(times_ms) == expected


@given(st.lists(st.floats(0, 1e15)))
def test_for_all_clocks_times_begin_at_zero_and_never_fall(times_ms: list[float]) -> None:
    steady = steady_times(times_ms)
    assert steady[0] == 0.0
    assert steady == sorted(steady)


def test_marks_lie_on_the_line() -> None:
    line = [HeapPoint(1.0, 100), HeapPoint(2.0, 200), HeapPoint(2.0, 400), HeapPoint(3.0, 300)]
    marks = [HeapPoint(at_s, 0, 2) for at_s in (0.5, 1.5, 2.5, 9.0)]
    found = merged(line, marks)
    assert [p.heap_bytes for p in found if p.generation == 2] == [100, 150, 350, 300]
    assert [p for p in found if p.generation < 0] == line
    assert [p.at_s for p in found] == sorted(p.at_s for p in found)


def test_without_a_line_there_is_nothing_to_lie_on() -> None:
    assert merged([], [HeapPoint(1.0, 0, 0)]) == []
