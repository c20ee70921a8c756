"""Bisection finds the edge of what survives, and says when there is no clean one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import MIB
from harness.limits.edge import FAILED, KILLED, SURVIVED, THRASHED, find_edge


def needing(edge: int, beyond: str = KILLED) -> Callable[[int], str]:
    return lambda limit: SURVIVED if limit >= edge else beyond


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 4))
def test_a_clean_edge_is_found_to_the_grain_from_any_start(
    start: int, need: int, replicates: int
) -> None:
    need = min(need, 8 * start)
    tried: Counter[int] = Counter()

    def attempt(limit: int) -> str:
        tried[limit] += 1
        return needing(need * MIB)(limit)

    found = find_edge(start * MIB - 7, MIB, replicates, attempt)
    assert found is not None
    assert (found.survives_bytes, found.killed_bytes) == (need * MIB, (need - 1) * MIB)
    assert found.steady
    assert found.attempts == tried.total()
    assert all(tried[at * MIB] == replicates for at in (need - 1, need) if at)


def test_thrashing_does_not_survive() -> None:
    found = find_edge(40 * MIB, MIB, 1, needing(33 * MIB, THRASHED))
    assert found is not None
    assert found.survives_bytes == 33 * MIB


@pytest.mark.parametrize("lucky", [31, 32])
def test_a_limit_that_does_both_makes_an_interval(lucky: int) -> None:
    """It delivered when it was first tried, and was killed afterwards."""
    tried: Counter[int] = Counter()

    def attempt(limit: int) -> str:
        tried[limit] += 1
        first = limit == lucky * MIB and tried[limit] == 1
        return SURVIVED if first else needing(33 * MIB)(limit)

    found = find_edge(lucky * MIB, MIB, 3, attempt)
    assert found is not None
    assert (found.killed_bytes, found.survives_bytes) == (32 * MIB, 33 * MIB)
    assert not found.steady


@pytest.mark.parametrize("outcome", [FAILED, KILLED])
def test_what_fails_for_another_reason_or_never_survives_has_no_edge(outcome: str) -> None:
    assert find_edge(40 * MIB, MIB, 3, lambda _: outcome) is None
