"""A memory limit that a suite names is kept only by what delivered in every attempt."""

from __future__ import annotations

import pandas as pd
import pytest
from msgspec import structs

from harness.config import MIB, LimitOptions
from harness.gates.bounds import judge
from harness.limits.edge import FAILED, KILLED, SURVIVED, THRASHED
from harness.records import Arm, Binary
from harness.stats.check import BoundCheck, Outcome
from harness.stats.frames import Frames
from harness.tests.gates.made import evidence, run

Tried = dict[int, list[str]]


def limited(tried: Tried, options: LimitOptions) -> Frames:
    """Return a run in which streaming was tried at these limits, in MiB, over one binary."""
    whole = run()
    manifest = structs.replace(
        whole.manifest,
        corpus=[Binary(name="a.so", path="", sha256="", size_bytes=1)],
        options=structs.replace(
            whole.manifest.options,
            arms=[Arm(name="streaming", pipeline="m:f")],
            sources=("dwarf",),
            memory_limits=options,
        ),
    )
    place = {"run_id": "r2", "binary": "a.so", "source": "dwarf", "arm": "streaming"}
    rows = [
        {**place, "order": at, "backend": "cgroup_v2", "limit_bytes": at * MIB, "outcome": one}
        | {"detail": "it burst", "peak_bytes": None, "wall_s": 0.5}
        for at, found in tried.items()
        for one in found
    ]
    tables = {name: getattr(whole, name) for name in ("samples", "batches", "deliveries")}
    return Frames.build(manifest, attempts=pd.DataFrame(rows), **tables)


def judged(tried: Tried, options: LimitOptions) -> BoundCheck:
    asked = evidence(limited(tried, options), survives="64 MiB", checks=[], binary="a.so")
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
        (
            {64: [SURVIVED, KILLED]},
            UNDER,
            Outcome.FAIL,
            1,
            (None, "killed at 64.0 MiB"),
        ),
        ({64: [THRASHED, SURVIVED]}, UNDER, Outcome.FAIL, 1, (None, "thrashed at 64.0 MiB")),
        ({64: [SURVIVED]}, UNDER, Outcome.INVALID, 0, (None, "not every limit was tried")),
        ({64: [SURVIVED, FAILED]}, UNDER, Outcome.INVALID, 0, (None, "another reason: it burst")),
        ({}, UNDER, Outcome.INVALID, 0, (None, "without a limit")),
        ({40: [SURVIVED] * 2, 39: [KILLED] * 2}, SEARCH, Outcome.PASS, 2, (40, "")),
        (
            {65: [SURVIVED] * 2, 64: [KILLED] * 2},
            SEARCH,
            Outcome.FAIL,
            0,
            (65, "at 64.0 MiB"),
        ),
        (
            {90: [SURVIVED] * 2, 89: [KILLED] * 2},
            SEARCH,
            Outcome.FAIL,
            0,
            (90, "at 89.0 MiB"),
        ),
        (
            {90: [SURVIVED], 60: [KILLED]},
            SEARCH,
            Outcome.INVALID,
            0,
            (None, "reach its end"),
        ),
    ],
)
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
