"""Lines are the same where they were moved; what they hold more of is named, the largest first."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.growth import grown_lines, line_changes

places = st.tuples(
    st.sampled_from(["a.py", "b/c.py"]),
    st.integers(1, 99),
    st.sampled_from(["f", "<listcomp>", ""]),
    st.sampled_from(["x = 1", "y = 2", ""]),
)
held = st.dictionaries(places, st.integers(1, 2**40), max_size=6)


def table(holdings: dict[tuple[str, int, str, str], int], moved: int = 0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "location": f"{file}:{line + (moved if code else 0)} {function}",
            "code": code,
            "bytes": size,
            "copies": size / 10,
            "inputs": 0.0,
        }
        for (file, line, function, code), size in holdings.items()
    ).reindex(columns=["location", "code", "bytes", "copies", "inputs"])


@given(held, held)
def test_no_byte_is_lost_and_none_is_counted_twice(
    old: dict[tuple[str, int, str, str], int], new: dict[tuple[str, int, str, str], int]
) -> None:
    """For all holdings, both sides add up to what they held."""
    found = line_changes(table(old), table(new))
    assert sum(one.baseline_bytes for one in found) == sum(old.values())
    assert sum(one.candidate_bytes for one in found) == sum(new.values())
    assert [one.most_bytes for one in found] == sorted((x.most_bytes for x in found), reverse=True)


@given(held, st.integers(1, 50))
def test_lines_that_were_only_moved_hold_no_more(
    old: dict[tuple[str, int, str, str], int], moved: int
) -> None:
    """For all holdings, lines put in above them change nothing."""
    if old:
        assert grown_lines(table(old), table(old, moved)) == []


def test_the_line_that_was_added_is_named_where_it_stands_now() -> None:
    old = {("a.py", 3, "f", "rows = list(x)"): 100, ("a.py", 4, "f", "return rows"): 5}
    new = {("a.py", 5, "f", "rows = list(x)"): 110, ("a.py", 6, "f", "copy = rows[:]"): 90}
    first, second = grown_lines(table(old), table(new))
    assert (first.location, first.code, first.grown_bytes) == ("a.py:6 f", "copy = rows[:]", 90)
    assert (second.location, second.baseline_bytes, second.candidate_bytes) == (
        "a.py:5 f",
        100,
        110,
    )
    assert first.copies == 9


def test_nothing_grows_where_a_side_was_not_traced() -> None:
    assert grown_lines(table({}), table({("a.py", 1, "f", ""): 1})) == []


def test_lines_whose_code_is_not_known_are_told_apart_by_their_numbers() -> None:
    held = {("a.py", 3, "f", ""): 5, ("a.py", 9, "f", ""): 7}
    assert [one.candidate_bytes for one in line_changes(table({}), table(held))] == [7, 5]
