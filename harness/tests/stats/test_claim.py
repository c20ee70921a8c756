"""For which binaries a claim holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.claim import judge_overshoot, judge_reduction, mean_reduction_pct
from harness.stats.summary import Row, summarise
from harness.tests.stats.made import ARMS, batch, delivery, frames, peaks


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
    outcome = judge_reduction(summary.rows)
    assert names(outcome.holds) == ["limit"]
    assert names(outcome.fails) == ["half", "more"]
    assert names(outcome.uncounted) == ["unverified"]
    assert outcome.counted == 3


@pytest.mark.parametrize(
    ("sizes", "from_bytes"),
    [
        pytest.param({"fails": [1, 2], "holds": [3, 5, 9]}, 3, id="the large ones"),
        pytest.param({"fails": [2], "holds": [1, 3, 5]}, 3, id="and one by chance"),
        pytest.param({"fails": [2, 3], "holds": [3, 4, 5]}, 4, id="one size, two outcomes"),
        pytest.param({"fails": [1, 9], "holds": [3, 5]}, None, id="the largest fails"),
        pytest.param({"fails": [1, 4], "holds": [3, 9]}, None, id="one is too few"),
        pytest.param({"fails": [], "holds": [1, 2]}, None, id="none fails"),
        pytest.param({"fails": [1, 2], "holds": []}, None, id="none holds"),
        pytest.param({"fails": [0, 1], "holds": [3, 5]}, None, id="a size is not known"),
    ],
)
def test_the_size_from_which_on_a_claim_holds_is_found(
    sizes: dict[str, list[int]], from_bytes: int | None
) -> None:
    peaked = {"fails": [90], "holds": [10]}
    named = [(f"{how} {size}", how, size) for how, found in sizes.items() for size in found]
    made = frames(
        [row for name, how, _ in named for row in peaks(name, [100], peaked[how])],
        deliveries=[delivery(name, arm, raw_bytes=size) for name, _, size in named for arm in ARMS],
    )
    outcome = judge_reduction(summarise(made).rows)
    assert outcome.from_bytes == from_bytes
    assert outcome.counted == len(named)


def test_no_row_that_counts_gives_no_mean() -> None:
    outcome = judge_reduction(summarise(frames(peaks("a", [9], [1]))).rows)
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
    outcome = judge_overshoot(summarise(frames(rows, batches=batches)).rows)
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
