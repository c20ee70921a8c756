"""Slopes of peak over size, and bounds proposed from measurements."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import MeasurementInvalid
from harness.stats.bounds import upper_tolerance_limit
from harness.stats.slope import fit_slope

SIZES = [10.0, 100.0, 1000.0, 5000.0]


def test_a_flat_peak_has_no_slope() -> None:
    slope = fit_slope(SIZES, [7.0] * 4)
    assert (slope.per_unit, slope.low, slope.high) == (0, 0, 0)
    assert slope.r_squared == 0
    assert slope.intercept == 7


def test_a_peak_in_proportion_has_a_slope_without_doubt() -> None:
    slope = fit_slope(SIZES, [3 + 2 * size for size in SIZES])
    assert slope.per_unit == pytest.approx(2)
    assert slope.low == pytest.approx(slope.high)
    assert slope.r_squared == pytest.approx(1)
    assert slope.points == 4


def test_scatter_widens_the_interval() -> None:
    slope = fit_slope(SIZES, [5.0, 900.0, 300.0, 4000.0])
    assert slope.low < slope.per_unit < slope.high


@settings(deadline=None)
@given(st.lists(st.integers(1, 10**9), min_size=4, max_size=4), st.sampled_from([2.0, 1024.0]))
def test_for_all_peaks_a_slope_scales_with_their_unit(peaks: list[int], factor: float) -> None:
    plain, scaled = fit_slope(SIZES, peaks), fit_slope(SIZES, [factor * peak for peak in peaks])
    for name in ("per_unit", "low", "high"):
        expected = factor * getattr(plain, name)
        assert getattr(scaled, name) == pytest.approx(expected, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(
    "sizes",
    [pytest.param([], id="nothing"), pytest.param([1.0, 2.0], id="two"), pytest.param([5.0] * 4)],
)
def test_too_little_variety_gives_no_slope(sizes: list[float]) -> None:
    with pytest.raises(MeasurementInvalid, match="three inputs"):
        fit_slope(sizes, [1.0] * len(sizes))


def test_values_without_spread_are_their_own_bound() -> None:
    assert upper_tolerance_limit([5.0, 5.0]) == 5
    assert upper_tolerance_limit([5.0]) == 5


def test_the_limit_is_that_of_the_published_table() -> None:
    """For n = 10, 99 % coverage and 95 % confidence the factor is 3.981."""
    rng = random.Random(1)
    logs = [rng.gauss(0, 0.02) for _ in range(10)]
    mean = sum(logs) / 10
    deviation = math.sqrt(sum((x - mean) ** 2 for x in logs) / 9)
    limit = upper_tolerance_limit([math.exp(x) for x in logs])
    assert math.log(limit) == pytest.approx(mean + 3.981 * deviation, rel=1e-3)


@settings(deadline=None)
@given(st.lists(st.floats(50, 200), min_size=2, max_size=9))
def test_for_all_values_the_limit_is_not_below_any_of_them(values: list[float]) -> None:
    assert upper_tolerance_limit(values) >= max(values) * (1 - 1e-12)


@pytest.mark.parametrize("values", [pytest.param([], id="nothing"), pytest.param([0.0, 1.0])])
def test_no_bound_is_proposed_from_nothing(values: list[float]) -> None:
    with pytest.raises(MeasurementInvalid):
        upper_tolerance_limit(values)
