"""For which binaries a claim holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.claim import Claim, judge_overshoot, judge_reduction, mean_reduction_pct
from harness.stats.summary import Row, summarise
from harness.tests.stats.made import batch, frames, peaks


def names(rows: tuple[Row, ...]) -> list[str]:
    return [row.binary for row in rows]


def test_a_claim_holds_from_its_limit_on() -> None:
    rows = [
        *peaks("half", [100], [50]),
        *peaks("limit", [100], [39]),
        *peaks("more", [100], [200]),
        *peaks("unverified", [100], [1]),
    ]
    summary = summarise(frames(rows, verified=["half", "limit", "more"]))
    outcome = judge_reduction(summary.rows, Claim(reduction_pct=61))
    assert names(outcome.holds) == ["limit"]
    assert names(outcome.fails) == ["half", "more"]
    assert names(outcome.uncounted) == ["unverified"]
    assert outcome.counted == 3


def test_no_row_that_counts_gives_no_mean() -> None:
    outcome = judge_reduction(summarise(frames(peaks("a", [9], [1]))).rows, Claim())
    assert outcome.mean_reduction_pct is None
    assert outcome.counted == 0


def test_overshoot_is_judged_where_the_threshold_was_reached() -> None:
    rows = [row for name in "abc" for row in peaks(name, [9], [1])]
    batches = [
        batch("a", 1, 32 * 1024),
        batch("b", 1, 10),
        batch("b", 2, 32 * 1024 + 1),
        batch("c", 1, -5, final=True),
    ]
    outcome = judge_overshoot(summarise(frames(rows, batches=batches)).rows, Claim())
    assert (names(outcome.holds), names(outcome.fails), names(outcome.unreached)) == (
        ["a"],
        ["b"],
        ["c"],
    )
    assert outcome.largest_bytes == 32 * 1024 + 1


@pytest.mark.parametrize(
    ("reductions", "mean"),
    [
        pytest.param([], None, id="none"),
        pytest.param([50.0], 50.0, id="one"),
        pytest.param([50.0, -100.0], 0.0, id="half and double cancel"),
        pytest.param([100.0, 0.0], 100.0, id="nothing left"),
        pytest.param([None, 50.0], 50.0, id="missing is left out"),
    ],
)
def test_reductions_average_as_ratios(reductions: list[float | None], mean: float | None) -> None:
    assert mean_reduction_pct(reductions) == (None if mean is None else pytest.approx(mean))


@settings(deadline=None)
@given(st.lists(st.floats(min_value=-500, max_value=99), min_size=1, max_size=9))
def test_for_all_reductions_the_mean_lies_among_them(reductions: list[float]) -> None:
    mean = mean_reduction_pct(reductions)
    assert mean is not None
    assert min(reductions) - 1e-6 <= mean <= max(reductions) + 1e-6
