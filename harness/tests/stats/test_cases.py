"""A table is grouped by case once, and what a case gets is what a search would find."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.frames import Frames

cases = st.tuples(st.sampled_from("abc"), st.sampled_from(["dwarf", "replay"]))


@given(st.lists(cases, max_size=9), cases)
def test_the_rows_of_a_case_are_those_that_a_search_finds(
    found: list[tuple[str, str]], case: tuple[str, str]
) -> None:
    """For all tables and cases, empty ones too, in the same order and with the same columns."""
    rows = pd.DataFrame(
        {"binary": binary, "source": source, "digest": str(at)}
        for at, (binary, source) in enumerate(found)
    )
    frames = Frames.build(deliveries=rows)
    whole = frames.deliveries
    searched = whole[(whole["binary"] == case[0]) & (whole["source"] == case[1])]
    for _ in range(2):
        pd.testing.assert_frame_equal(frames.of_case("deliveries", *case), searched)
