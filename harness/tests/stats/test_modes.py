"""Values that fall into groups are said to have modes; values that only scatter are not."""

from __future__ import annotations

import random

import pytest

from harness.reports.gaps import iter_modes
from harness.stats.modes import modes_of
from harness.stats.summary import summarise
from harness.tests.stats.made import frames, sample

MIB = 1 << 20
GROUPED = [149.0, 149.1, 149.05, 160.0, 160.1, 163.0, 163.1, 163.05]


def test_groups_are_found_in_any_order_and_named_by_their_medians() -> None:
    mixed = random.Random(1).sample(GROUPED, len(GROUPED))
    assert modes_of(mixed) == pytest.approx((149.05, 160.05, 163.05))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(GROUPED[:7], id="too few"),
        pytest.param([100.0] * 8, id="all alike"),
        pytest.param([100.0] * 4 + [100.9] * 4, id="close together"),
        pytest.param([float(value) for value in range(100, 180, 10)], id="a group each"),
        pytest.param([100.0, 100.9, 101.8, 102.7, 108.0, 108.9, 109.8, 110.7], id="wide groups"),
        pytest.param([0.0] * 8, id="nothing"),
    ],
)
def test_what_only_scatters_has_no_modes(values: list[float]) -> None:
    assert modes_of(values) == ()


@pytest.mark.parametrize("spread", [0.003, 0.02, 0.1])
def test_one_group_is_hardly_ever_taken_for_several(spread: float) -> None:
    dice = random.Random(7)
    found = [bool(modes_of(dice.gauss(1, spread) for _ in range(8))) for _ in range(1000)]
    assert sum(found) < 15


def test_modes_of_memory_are_told_with_their_arm_and_binary() -> None:
    rows = [
        sample("a", "legacy", value * MIB, replicate=at, metric=metric, probe="bare", unit=unit)
        for at, value in enumerate(GROUPED)
        for metric, unit in (("rss_peak", "byte"), ("context_switches_voluntary", "count"))
    ]
    (line,) = iter_modes(summarise(frames(samples=rows)))
    told = "rss_peak of legacy over a (source dwarf) has modes at 149.0 MiB, 160.0 MiB, 163.0 MiB: "
    assert line.startswith(told)
