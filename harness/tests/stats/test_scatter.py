"""Which measurements repeat to the digit, and how far the others scatter."""

from __future__ import annotations

import pytest

from harness.stats.scatter import Scatter, scatters
from harness.tests.stats.made import failure, frames, peaks, sample


def _of(*rows: dict[str, object]) -> list[Scatter]:
    return scatters(frames(list(rows)))


def test_cells_that_agree_to_the_digit_are_counted_as_exact() -> None:
    same = peaks("a", [0.1, 0.1, 0.1], [7.0, 7.0])
    legacy, streaming = _of(*same, *peaks("b", [5.0, 6.0], [9.0]))
    assert (legacy.cells, legacy.exact_cells, legacy.single_cells) == (2, 1, 0)
    assert (streaming.cells, streaming.exact_cells, streaming.single_cells) == (1, 1, 1)
    assert streaming.deviations_pct == (0.0, 0.0)
    assert streaming.reach_pct == 0.0


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
