"""Shifts of level over many runs."""

from __future__ import annotations

import math
import random

import pytest

from harness.stats.steps import Step, find_steps


def noisy(seed: int, levels: list[float], noise: float = 0.02) -> list[float]:
    rng = random.Random(seed)
    return [level * math.exp(rng.gauss(0, noise)) for level in levels]


def test_an_exact_metric_shifts_wherever_it_differs_from_the_run_before() -> None:
    assert find_steps([100, 100, 110, 110, 55], exact=True) == [
        Step(since=1, at=2, delta_pct=10),
        Step(since=3, at=4, delta_pct=-50),
    ]


@pytest.mark.parametrize(
    ("levels", "places"),
    [
        ([14, 15, 14, 13, 14], []),
        ([14, 15, 16, 17], [2]),
        ([14, 16, 15, 16], [1]),
        ([14, 15, 12], [2]),
        ([14, 22, 22], [1]),
    ],
)
def test_what_was_searched_shifts_where_it_leaves_its_level_by_more_than_a_grain(
    levels: list[float], places: list[int]
) -> None:
    steps = find_steps(levels, exact=True, grains=[1] * len(levels))
    assert [step.at for step in steps] == places


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("count", [0, 1, 20])
def test_a_level_that_stays_has_no_shift(count: int, exact: bool) -> None:
    assert find_steps([7.0] * count, exact=exact) == []


def test_a_shift_of_a_noisy_metric_is_found_at_its_run() -> None:
    (step,) = find_steps(noisy(1, [100.0] * 12 + [108.0] * 12), exact=False)
    assert (step.since, step.at) == (11, 12)
    assert step.delta_pct == pytest.approx(8, abs=2)


def test_one_odd_run_is_no_new_level() -> None:
    levels = [100.0] * 10 + [130.0] + [100.0] * 10
    assert find_steps(noisy(2, levels, 0.01), exact=False) == []


def test_noise_alone_seldom_looks_like_a_shift() -> None:
    found = [find_steps(noisy(seed, [100.0] * 20), exact=False) for seed in range(100)]
    assert sum(map(bool, found)) <= 10


def test_most_shifts_of_eight_per_cent_are_found() -> None:
    levels = [100.0] * 10 + [108.0] * 10
    found = [find_steps(noisy(seed, levels), exact=False) for seed in range(100)]
    assert sum(10 in {step.at for step in steps} for steps in found) >= 90


@pytest.mark.parametrize("exact", [True, False])
def test_a_new_environment_is_a_declared_break(exact: bool) -> None:
    environments = [{"python": "3.11"}] * 8 + [{"python": "3.12"}] * 8
    (step,) = find_steps([100.0] * 8 + [150.0] * 8, environments, exact=exact)
    assert step.reasons == ("python 3.11, then 3.12",)
    assert step.delta_pct == pytest.approx(50)


def test_too_few_noisy_runs_say_nothing() -> None:
    assert find_steps([1.0, 2.0, 1.0, 9.0], exact=False) == []
