"""Peaks by stage, line and copy, heap over time in few points, every value behind a median."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.copies import MOST_LINES, held_copies, holdings_by_arm
from harness.stats.curves import BUCKETS, curves_of
from harness.stats.quantity import replicate_values
from harness.tests.stats.made import failure, frames, peaks

HELD = st.lists(
    st.tuples(st.sampled_from(["JSON", "gzip"]), st.sampled_from("abcdefghijklmnopq"),
              st.integers(0, 10**12)),
    min_size=1,
)  # fmt: skip


def copies(rows: list[tuple[str, str, int]], replicate: int = 0) -> pd.DataFrame:
    columns = ["stage", "location", "bytes"]
    case = {"binary": "b", "source": "dwarf", "arm": "a", "replicate": replicate, "copies": 0.0}
    return pd.DataFrame(rows, columns=columns).assign(**case)


@given(HELD)
def test_stages_and_lines_add_up_to_the_peak(rows: list[tuple[str, str, int]]) -> None:
    found = holdings_by_arm(copies(rows))["a"]
    total = sum(size for _, _, size in rows)
    assert found.total_bytes == total
    assert sum(size for _, size in found.stages) == total
    assert sum(line.held_bytes for line in found.lines) == total
    assert len(found.lines) <= MOST_LINES + 1


def test_only_the_first_replicate_counts() -> None:
    both = pd.concat([copies([("JSON", "x", 5)], 3), copies([("JSON", "x", 7)], 1)])
    assert holdings_by_arm(both)["a"].total_bytes == 7


def timeline(heaps: list[int], probe: str = "memray", replicate: int = 0) -> pd.DataFrame:
    case = {"arm": "a", "probe": probe, "replicate": replicate}
    return pd.DataFrame({"at_s": range(len(heaps)), "heap_bytes": heaps}).assign(**case)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=2000))
def test_few_points_keep_the_peak_and_both_ends(heaps: list[int]) -> None:
    (curve,) = curves_of(timeline(heaps), "memray")
    assert curve.peak_bytes == max(heaps)
    assert curve.points[0] == (0, heaps[0])
    assert curve.points[-1] == (len(heaps) - 1, heaps[-1])
    assert curve.seconds == len(heaps) - 1
    assert len(curve.points) <= 2 * (BUCKETS + 1) + 2
    assert list(curve.points) == sorted(curve.points, key=lambda point: point[0])


def test_a_curve_is_of_the_asked_probe_or_else_of_the_one_that_looked_most() -> None:
    both = pd.concat([timeline([1, 2], "gc"), timeline([3, 4, 5], "other")])
    assert curves_of(both, "gc")[0].peak_bytes == 2
    assert curves_of(both, "memray")[0].probe == "other"


def test_a_curve_is_of_one_replicate() -> None:
    both = pd.concat([timeline([9, 9], replicate=2), timeline([1, 2], replicate=1)])
    assert curves_of(both, "memray")[0].peak_bytes == 2


@pytest.mark.parametrize("empty", [curves_of, lambda table, _: list(holdings_by_arm(table))])
def test_nothing_recorded_is_nothing_shown(empty: object) -> None:
    assert callable(empty)
    assert empty(frames().timeline, "memray") == []


def test_every_successful_value_is_there_in_the_order_of_the_replicates() -> None:
    made = frames([*reversed(peaks("b", [3, 1, 2], [7])), failure("b", "legacy", replicate=9)])
    found = replicate_values(made.samples)
    assert found["b", "dwarf", "legacy", "memray", "heap_peak_memray"] == [3, 1, 2]
    assert found["b", "dwarf", "streaming", "memray", "heap_peak_memray"] == [7]
    assert replicate_values(frames().samples) == {}


COLUMNS = ["binary", "source", "arm", "replicate", "stage", "location", "bytes", "copies"]


def held(*rows: tuple[str, int, str, str, float]) -> dict[str, list[tuple[str, float]]]:
    frame = pd.DataFrame(
        [("b", "dwarf", arm, number, stage, place, 1, n) for arm, number, stage, place, n in rows],
        columns=COLUMNS,
    )
    return {
        one.arm: [(copy.location, copy.copies) for copy in one.copies] for one in held_copies(frame)
    }


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", 0, "JSON", "x", 1.2)], [("x", 1.2)]),
        ([("a", 0, "multipart", "x", 0.5)], [("x", 0.5)]),
        ([("a", 0, "JSON", "x", 0.49)], []),
        ([("a", 0, "gzip", "x", 4.0)], []),
        ([("a", 0, "scope tree", "x", 4.0)], []),
        ([("a", 0, "JSON", "x", 0.3)] * 2 + [("a", 0, "JSON", "y", 2.0)], [("y", 2.0), ("x", 0.6)]),
        ([("a", 1, "JSON", "x", 1.0), ("a", 2, "JSON", "y", 1.0)], [("x", 1.0)]),
    ],
    ids=["a copy", "half a copy", "less", "the compressor's state", "the scope tree",
         "pieces of one place, and a larger one", "the first replicate alone"],
)  # fmt: skip
def test_a_place_counts_from_half_a_payload_on(
    rows: list[tuple[str, int, str, str, float]], expected: list[tuple[str, float]]
) -> None:
    other = ("b", 2, "JSON", "z", 1.0)
    assert held(*rows, other) == {"a": expected, "b": [("z", 1.0)]}


def test_no_records_give_nothing() -> None:
    assert held_copies(pd.DataFrame(columns=COLUMNS)) == []
