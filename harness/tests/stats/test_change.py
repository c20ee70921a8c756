"""Changes, their intervals, and what could have been seen."""

from __future__ import annotations

import math
import random
from itertools import combinations

import numpy as np
import pytest
import scipy
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.stats.bounds import keep_to
from harness.stats.change import (
    coefficient_of_variation,
    estimate_change,
    minimum_detectable_pct,
    permutation_p,
    replicates_needed,
)

NOISY = st.lists(st.floats(min_value=50, max_value=200), min_size=2, max_size=8)
FEW = st.lists(st.integers(min_value=50, max_value=200), min_size=2, max_size=5)
WHOLE = st.integers(min_value=1, max_value=2**50)


@pytest.mark.parametrize(
    ("baseline", "candidate", "delta_pct"),
    [
        pytest.param([100, 100], [100, 100], 0.0, id="equal"),
        pytest.param([100, 100], [103, 103], 3.0, id="more"),
        pytest.param([100, 100], [39, 39], -61.0, id="less"),
        pytest.param([100], [101], 1.0, id="one replicate"),
        pytest.param([0, 0], [0, 0], 0.0, id="nothing stays nothing"),
        pytest.param([0, 0], [1, 1], math.inf, id="something from nothing"),
        pytest.param([1, 1], [0, 0], -100.0, id="nothing left"),
    ],
)
def test_values_without_spread_are_compared_by_arithmetic(
    baseline: list[float], candidate: list[float], delta_pct: float
) -> None:
    change = estimate_change(baseline, candidate, exact=True)
    assert change.exact
    assert change.p_value is None
    assert (change.delta_pct, change.low_pct, change.high_pct) == (delta_pct,) * 3


@given(WHOLE, WHOLE)
def test_for_all_exact_values_the_change_is_that_of_whole_numbers(old: int, new: int) -> None:
    change = estimate_change([float(old)] * 3, [float(new)] * 3, exact=True)
    assert change.delta_pct == pytest.approx(100 * (new - old) / old, rel=1e-12)


def test_a_metric_declared_exact_that_varies_is_tested_like_any_other() -> None:
    change = estimate_change([100, 101, 100], [100, 100, 100], exact=True)
    assert not change.exact
    assert change.low_pct < change.delta_pct < change.high_pct


@given(NOISY, NOISY)
def test_a_noisy_change_is_what_scipy_finds(old: list[float], new: list[float]) -> None:
    change = estimate_change(old, new, exact=False)
    assume(min(map(coefficient_of_variation, (old, new))) > 1e-9)  # else scipy warns
    test = scipy.stats.ttest_ind(np.log(new), np.log(old), equal_var=False)
    ends = test.confidence_interval(0.90)
    found = (change.delta_pct, change.low_pct, change.high_pct)
    logs = (np.log(new).mean() - np.log(old).mean(), ends.low, ends.high)
    assert found == pytest.approx([100 * math.expm1(one) for one in logs], rel=1e-6, abs=1e-9)
    assert change.p_value == pytest.approx(test.pvalue, rel=1e-6, abs=1e-9)


def test_the_permutation_test_agrees_about_clear_cases_and_repeats() -> None:
    same, apart = [10.0, 11, 12, 13, 14], [20.0, 21, 22, 23, 24]
    assert permutation_p(same, list(reversed(same))) == 1
    # Two of the C(10, 5) = 252 ways to split are as far apart.
    assert permutation_p(same, apart) == pytest.approx(2 / 252)
    assert permutation_p([1.0], apart) is None
    assert permutation_p([0.0, 1], apart) is None


@given(FEW, FEW)
def test_every_split_of_few_values_is_counted_even_where_many_agree(
    old: list[int], new: list[int]
) -> None:
    """Means of logs are in the order of products, which of whole numbers are exact."""
    products = [math.prod(some) for some in combinations([*new, *old], len(new))]
    less = sum(one <= math.prod(new) for one in products)
    more = sum(one >= math.prod(new) for one in products)
    assert permutation_p(old, new) == min(1, 2 * min(less, more) / len(products))


def test_more_replicates_see_smaller_changes() -> None:
    noise = [98.0, 99, 100, 101, 102]
    few = minimum_detectable_pct(noise, noise)
    many = minimum_detectable_pct(noise * 4, noise * 4)
    assert few is not None
    assert many is not None
    assert 0 < many < few


@pytest.mark.parametrize("effect_pct", [1.0, 2.0, 5.0])
def test_the_replicates_that_are_asked_for_are_enough_and_not_one_too_many(
    effect_pct: float,
) -> None:
    rng = random.Random(1)
    noise = [100 * math.exp(rng.gauss(0, 0.03)) for _ in range(6)]
    needed = replicates_needed(noise, noise, effect_pct)
    assert needed is not None
    assert needed > 2


def test_without_noise_two_replicates_are_enough() -> None:
    assert replicates_needed([5.0, 5.0], [6.0, 6.0], 1.0) == 2


@pytest.mark.parametrize(
    ("baseline", "candidate"),
    [
        pytest.param([1.0], [1.0, 2.0], id="one replicate"),
        pytest.param([0.0, 1.0], [1.0, 2.0], id="zero"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_unknown_noise_gives_no_promise(baseline: list[float], candidate: list[float]) -> None:
    assert minimum_detectable_pct(baseline, candidate) is None
    assert replicates_needed(baseline, candidate, 5) is None


def test_noise_that_nobody_can_wait_out_is_said_to_be_so() -> None:
    assert replicates_needed([1.0, 1e9], [1.0, 1e9], 0.1) is None


def test_variation_is_relative() -> None:
    assert coefficient_of_variation([100, 100]) == 0
    assert coefficient_of_variation([1]) == 0
    assert coefficient_of_variation([90, 110]) == pytest.approx(math.sqrt(200) / 100)


@pytest.mark.parametrize(
    ("values", "bounds", "expected"),
    [
        pytest.param([1, 2, 3], {"upper_bound": 4}, (True, 3, 25.0), id="within"),
        pytest.param([1, 4], {"upper_bound": 4}, (True, 4, 0.0), id="at the bound"),
        pytest.param([1, 5], {"upper_bound": 4}, (False, 5, -25.0), id="one beyond"),
        pytest.param([1, math.nan], {"upper_bound": 4}, (False, math.inf, -math.inf), id="NaN"),
        pytest.param([9, math.nan], {"lower_bound": 4}, (False, -math.inf, -math.inf), id="NaN "),
        pytest.param([5, 8], {"lower_bound": 4}, (True, 5, 25.0), id="above"),
        pytest.param([3, 8], {"lower_bound": 4}, (False, 3, -25.0), id="below"),
        pytest.param([0, 0], {"upper_bound": 0}, (True, 0, 0.0), id="nothing, as allowed"),
        pytest.param([1], {"upper_bound": 0}, (False, 1, -math.inf), id="nothing allowed"),
        pytest.param([5, 8], {"lower_bound": 4, "upper_bound": 9}, (True, 8, 100 / 9), id="both"),
        pytest.param([3, 9], {"lower_bound": 4, "upper_bound": 9}, (False, 3, -25.0), id="one of"),
    ],
)
def test_bounds_hold_for_every_replicate_and_tell_the_headroom(
    values: list[float], bounds: dict[str, float], expected: tuple[bool, float, float]
) -> None:
    kept = keep_to(values, **bounds)
    assert (kept.holds, kept.observed) == expected[:2]
    assert kept.headroom_pct == pytest.approx(expected[2])


@pytest.mark.parametrize("bounds", [{"upper_bound": 4.0}, {"lower_bound": 4.0}, {}])
def test_a_bound_on_nothing_does_not_hold(bounds: dict[str, float]) -> None:
    assert not keep_to([], **bounds).holds
