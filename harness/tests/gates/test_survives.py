"""A memory limit that a suite names is kept only by what delivered in every attempt."""

from __future__ import annotations

import pytest
from msgspec import structs

from harness.config import MIB, LimitOptions
from harness.gates.bounds import judge
from harness.limits.edge import FAILED, KILLED, SURVIVED, THRASHED
from harness.stats.check import BoundCheck, Outcome
from harness.tests.gates.made import evidence, run
from harness.tests.stats.made import Tried, limited


def judged(tried: Tried, options: LimitOptions) -> BoundCheck:
    asked = evidence(
        limited(options, "a.so", streaming=tried), survives="64 MiB", checks=[], binary="a.so"
    )
    (check,) = judge(asked)
    assert isinstance(check, BoundCheck)
    assert (check.check, check.upper_bound, check.unit) == ("survives", 64 * MIB, "byte")
    return check


UNDER = LimitOptions(backend="cgroup_v2", replicates=2, under_bytes=(64 * MIB,))
SEARCH = LimitOptions(backend="cgroup_v2", replicates=2)


@pytest.mark.parametrize(
    ("tried", "options", "outcome", "passed", "observed_and_told"),
    [
        ({64: [SURVIVED, SURVIVED]}, UNDER, Outcome.PASS, 2, (64, "")),
        ({64: [SURVIVED, KILLED]}, UNDER, Outcome.FAIL, 1, (None, "killed at 64.0 MiB")),
        ({64: [THRASHED, SURVIVED]}, UNDER, Outcome.FAIL, 1, (None, "thrashed at 64.0 MiB")),
        ({64: [SURVIVED]}, UNDER, Outcome.INVALID, 0, (None, "not every limit was tried")),
        ({64: [SURVIVED, FAILED]}, UNDER, Outcome.INVALID, 0, (None, "another reason: it burst")),
        ({}, UNDER, Outcome.INVALID, 0, (None, "no limit was tried")),
        ({40: [SURVIVED] * 2, 39: [KILLED] * 2}, SEARCH, Outcome.PASS, 2, (40, "")),
        ({65: [SURVIVED] * 2, 64: [KILLED] * 2}, SEARCH, Outcome.FAIL, 0, (65, "at 64.0 MiB")),
        ({90: [SURVIVED] * 2, 89: [KILLED] * 2}, SEARCH, Outcome.FAIL, 0, (90, "at 89.0 MiB")),
        ({90: [SURVIVED], 60: [KILLED]}, SEARCH, Outcome.INVALID, 0, (None, "reach its end")),
        pytest.param({60: [SURVIVED] * 2, 62: [KILLED] * 2, 68: [SURVIVED] * 2},
                     structs.replace(SEARCH, grain_bytes=8 * MIB), Outcome.INVALID, 0,
                     (None, "64.0 MiB was not tried"), id="survived with less, killed in between"),
    ],
)  # fmt: skip
def test_a_limit_is_kept_only_where_every_attempt_delivered(
    tried: Tried,
    options: LimitOptions,
    outcome: Outcome,
    passed: int,
    observed_and_told: tuple[int | None, str],
) -> None:
    observed, told = observed_and_told
    check = judged(tried, options)
    assert (check.outcome, check.replicates_passed) == (outcome, passed)
    assert check.observed == (None if observed is None else observed * MIB)
    assert told in check.detail
    assert f"harness limit a.so --source dwarf --arm streaming --under {64 * MIB} " in (
        check.repeat_command
    )


def test_a_run_that_tried_no_limit_keeps_none() -> None:
    checks = judge(evidence(run(), survives="64 MiB", checks=[]))
    assert {check.outcome for check in checks} == {Outcome.INVALID}
