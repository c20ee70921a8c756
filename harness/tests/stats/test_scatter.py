"""Which measurements repeat to the digit, how far others scatter, and which fall into groups."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from harness.reports.gaps import iter_modes
from harness.stats.frames import Frames
from harness.stats.modes import modes_of
from harness.stats.scatter import Scatter, scatters
from harness.stats.summary import summarise
from harness.tests.stats.made import failure, frames, manifest, peaks, sample


def _of(*rows: dict[str, object]) -> list[Scatter]:
    return scatters(frames(list(rows)))


def test_cells_that_agree_to_the_digit_are_counted_as_exact() -> None:
    same = peaks("a", [0.1, 0.1, 0.1], [7.0, 7.0])
    legacy, streaming = _of(*same, *peaks("b", [5.0, 6.0], [9.0]))
    assert (legacy.cells, legacy.exact_cells, legacy.single_cells) == (2, 1, 0)
    assert (streaming.cells, streaming.exact_cells, streaming.single_cells) == (1, 1, 1)
    assert streaming.deviations_pct == (0.0, 0.0)
    assert streaming.reach_pct == 0.0


@pytest.mark.parametrize(("zero_allowed", "cells"), [(True, 1), (False, 0)])
def test_a_zero_that_is_a_measurement_agrees_with_another(
    *, zero_allowed: bool, cells: int
) -> None:
    metric = {"name": "lost", "unit": "count", "zero_allowed": zero_allowed}
    zeros = [sample("a", "legacy", 0.0, metric="lost", probe="mine", replicate=n) for n in (1, 2)]
    declared = manifest(metrics={"mine": [metric]})
    (found,) = scatters(Frames.build(declared, samples=pd.DataFrame(zeros)))
    assert (found.cells, found.exact_cells) == (cells, cells)


def test_replicates_are_set_against_the_mean_of_their_own_cell() -> None:
    (legacy,) = _of(*peaks("small", [9.0, 11.0], []), *peaks("large", [900.0, 1100.0], []))
    assert legacy.deviations_pct == pytest.approx((-10, 10, -10, 10))
    assert legacy.reach_pct == pytest.approx(2.92 * 14.14, rel=0.01)  # t of two degrees, times s


def test_one_replicate_says_nothing_of_its_spread() -> None:
    (legacy,) = _of(*peaks("a", [9.0], []))
    assert legacy.deviations_pct == ()
    assert legacy.reach_pct is None


def test_failures_and_what_another_probe_saw_do_not_count() -> None:
    other = [sample("a", "legacy", value, metric="wall", probe="memray") for value in (1.0, 2.0)]
    assert _of(failure("a", "legacy"), *other) == []


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
