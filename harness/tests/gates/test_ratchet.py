"""Bounds from measurements: never below what was seen, never looser unless that was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from harness.config import MIB
from harness.errors import MeasurementInvalid
from harness.gates.ratchet import BoundChange, Proposal, decide, propose, ratchet
from harness.stats.bounds import upper_tolerance_limit
from harness.tests.gates.made import LEGACY, STREAMING, Change, evidence, rows_where, run

PEAK = "heap_peak"


def checks(series: str = PEAK) -> list[dict[str, Any]]:
    return [{"name": "peak", "bounds": {"series": series}}]


def proposed(change: Change = lambda _: None, **experiment: Any) -> Proposal:
    (proposal,) = propose(evidence(run(change), **{"checks": checks(), **experiment}))
    return proposal


def a_proposal(upper_bound: float, observed: float = 90.0) -> Proposal:
    return Proposal(
        experiment="e",
        check="c",
        series=PEAK,
        unit="byte",
        observed=observed,
        margin_pct=5.0,
        upper_bound=upper_bound,
        replicates=2,
    )


@pytest.mark.parametrize("tolerance", [0.0, 5.0, 12.5])
def test_values_without_spread_get_the_tolerance_as_their_margin(tolerance: float) -> None:
    """A bound closer than the change that matters would fail what the comparison calls clean."""
    found = proposed(tolerance=tolerance)
    assert found.observed == STREAMING
    assert found.upper_bound == STREAMING * (1 + tolerance / 100)
    assert found.margin_pct == pytest.approx(tolerance)
    assert found.replicates == 2


def test_what_was_searched_gets_a_grain_as_its_margin_and_a_bound_of_that_grain_alone() -> None:
    """Two searches of the same end up to one grain apart, of which no bound may know less."""
    searched = {
        grain: run(
            manifest={
                "metrics": {
                    "peak": [{"name": PEAK, "unit": "byte", "exact": True, "grain": grain}],
                    "memray": [{"name": "heap_peak_memray", "unit": "byte"}],
                }
            }
        )
        for grain in (MIB, 2 * MIB)
    }
    fine, coarse = (evidence(one, checks=checks()) for one in searched.values())
    (found,) = propose(fine)
    assert found.upper_bound == STREAMING + MIB
    _, bounds = ratchet(fine)
    again, _ = ratchet(structs.replace(fine, bounds=bounds))
    assert [one.change for one in again] == [BoundChange.UNCHANGED]
    ((other,), _) = ratchet(structs.replace(coarse, bounds=bounds))
    assert (other.change, other.why) == (BoundChange.KEPT, "it is for grain 1.0 MiB, then 2.0 MiB")


def test_noisy_values_get_their_tolerance_limit() -> None:
    def spread(rows: dict[str, list[dict[str, Any]]]) -> None:
        for row in rows_where(rows["samples"], arm="streaming", replicate=1):
            row["value"] = 1.1 * STREAMING

    found = proposed(spread)
    limit = upper_tolerance_limit([STREAMING, 1.1 * STREAMING])
    assert found.upper_bound == pytest.approx(limit, rel=1e-6)
    assert found.upper_bound >= limit
    assert found.margin_pct > 100


def test_the_largest_case_decides() -> None:
    assert proposed(arm=["streaming"]).observed == STREAMING
    assert proposed(arm=["streaming", "legacy"], against="").observed == LEGACY


@pytest.mark.parametrize(
    ("change", "experiment", "said"),
    [
        pytest.param(lambda rows: rows["samples"].clear(), {}, "was not measured",
                     id="nothing measured"),
        pytest.param(
            lambda rows: rows["samples"].remove(
                rows_where(rows["samples"], binary="b.so", arm="streaming", replicate=1)[0]
            ),
            {},
            "1 valid replicates of 2",
            id="a replicate lost",
        ),
        pytest.param(lambda _: None, {"binary": "x*"}, "no binary of the suite", id="no binary"),
        pytest.param(lambda _: None, {"checks": checks("reduction_pct")}, "more is better",
                     id="more is better"),
        pytest.param(lambda _: None,
                     {"checks": [{"name": "p", "bounds": {"series": PEAK, "upper_bound": 1}}]},
                     "each has its bound written down", id="nothing to ratchet"),
        pytest.param(lambda rows: [row.update(value=0.0) for row in rows["samples"]], {},
                     "no measurement: ", id="zero"),
    ],
)  # fmt: skip
def test_what_cannot_carry_a_bound_gets_none(
    change: Change, experiment: dict[str, Any], said: str
) -> None:
    with pytest.raises(MeasurementInvalid, match=said) as caught:
        proposed(change, **experiment)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("old", "new", "loosen", "change"),
    [
        pytest.param(None, 100.0, False, BoundChange.NEW, id="the first one"),
        pytest.param(100.0, 99.0, False, BoundChange.TIGHTENED, id="tighter"),
        pytest.param(
            100.0, 99.0, True, BoundChange.TIGHTENED, id="tighter, though loosening is allowed"
        ),
        pytest.param(100.0, 100.0, True, BoundChange.UNCHANGED, id="the same"),
        pytest.param(100.0, 101.0, False, BoundChange.KEPT, id="looser"),
        pytest.param(100.0, 101.0, True, BoundChange.LOOSENED, id="looser, as asked"),
    ],
)
def test_a_bound_turns_one_way(
    old: float | None, new: float, loosen: bool, change: BoundChange
) -> None:
    decision = decide(a_proposal(new), old, loosen=loosen)
    assert decision.change is change
    assert decision.standing == old
    assert bool(decision.why) == (change is BoundChange.KEPT)


def test_a_run_beyond_its_bound_is_told_from_one_that_is_merely_worse() -> None:
    assert decide(a_proposal(105, 99), 100.0).why == "the proposal is looser"
    assert decide(a_proposal(112, 107), 100.0).why == "this run exceeds it"


@pytest.mark.parametrize(
    ("loosen", "change"), [(False, BoundChange.KEPT), (True, BoundChange.REPLACED)]
)
def test_a_bound_from_elsewhere_is_neither_tighter_nor_looser(
    loosen: bool, change: BoundChange
) -> None:
    decision = decide(a_proposal(1.0), 100.0, elsewhere="another Python", loosen=loosen)
    assert decision.change is change
    assert decision.why == ("" if loosen else "it is for another Python")
