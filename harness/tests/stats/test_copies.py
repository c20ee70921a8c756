"""Whole copies of a payload are counted by the place that made them; state and scraps are not."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.stats.copies import held_copies

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
    ("row", "expected"),
    [
        (("a", 0, "JSON", "x", 1.2), [("x", 1.2)]),
        (("a", 0, "multipart", "x", 0.5), [("x", 0.5)]),
        (("a", 0, "JSON", "x", 0.49), []),
        (("a", 0, "gzip", "x", 4.0), []),
        (("a", 0, "scope tree", "x", 4.0), []),
    ],
    ids=["a copy", "half a copy", "less", "the compressor's state", "the scope tree"],
)
def test_a_place_counts_from_half_a_payload_on(
    row: tuple[str, int, str, str, float], expected: list[tuple[str, float]]
) -> None:
    assert held(row) == {"a": expected}


def test_pieces_of_one_place_add_up_and_the_largest_comes_first() -> None:
    found = held(("a", 0, "JSON", "x", 0.3), ("a", 0, "JSON", "x", 0.3), ("a", 0, "JSON", "y", 2.0))
    assert found == {"a": [("y", 2.0), ("x", 0.6)]}


def test_only_the_first_replicate_of_each_arm_counts() -> None:
    found = held(("a", 1, "JSON", "x", 1.0), ("a", 2, "JSON", "y", 1.0), ("b", 2, "JSON", "z", 1.0))
    assert found == {"a": [("x", 1.0)], "b": [("z", 1.0)]}


def test_no_records_give_nothing() -> None:
    assert held_copies(pd.DataFrame(columns=COLUMNS)) == []
