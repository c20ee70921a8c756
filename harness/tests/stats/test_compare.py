"""The verdict rule: what regressed, what is proved clean, and what nobody may conclude."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from harness.config import MIB
from harness.limits.choice import metric_of
from harness.records import Manifest
from harness.stats.check import Comparison, Outcome
from harness.stats.compare import Rule, adjust, compare
from harness.stats.frames import Frames
from harness.stats.metrics import Metrics
from harness.stats.samples import Demands, Key, Sample, collect
from harness.stats.sides import compare_arms, compare_runs
from harness.tests.stats.made import delivery, failure, frames, manifest, peaks, sample

HEAP = Key("a", "dwarf", "streaming", "heap_peak_memray")
WALL = Key("a", "dwarf", "streaming", "wall")
VALUES = st.lists(st.floats(min_value=50, max_value=200), min_size=1, max_size=6)
KEYS = st.sampled_from([HEAP, WALL])


def of(*numbers: float, **changes: object) -> Sample:
    """Return a sample that nothing is wrong with."""
    good = Sample(
        numbers=numbers,
        unit="byte",
        inputs=frozenset({"sha"}),
        outputs=frozenset({"digest"}),
        rig="rig",
    )
    return structs.replace(good, **changes)


def judge(
    baseline: Sample | None, candidate: Sample | None, key: Key = HEAP, rule: Rule | None = None
) -> Comparison:
    metric = Metrics(Manifest())[key.metric]
    sides = (side and structs.replace(side, metric=metric) for side in (baseline, candidate))
    old, new = ({key: side} if side else {} for side in sides)
    (comparison,) = compare(old, new, rules={key: rule or Rule()})
    return comparison


@pytest.mark.parametrize(
    ("candidate", "outcome"),
    [
        pytest.param(of(100, 100), Outcome.CLEAN, id="equal"),
        pytest.param(of(104, 104), Outcome.CLEAN, id="within the tolerance"),
        pytest.param(of(105, 105), Outcome.REGRESSED, id="at the tolerance"),
        pytest.param(of(200, 200), Outcome.REGRESSED, id="twice as much"),
        pytest.param(of(96, 96), Outcome.CLEAN, id="a little less"),
        pytest.param(of(95, 95), Outcome.IMPROVED, id="less by the tolerance"),
        pytest.param(of(39, 39), Outcome.IMPROVED, id="much less"),
    ],
)
def test_exact_metrics_are_judged_by_arithmetic(candidate: Sample, outcome: Outcome) -> None:
    comparison = judge(of(100, 100), candidate)
    assert comparison.outcome is outcome
    assert comparison.exact
    assert comparison.q_value is None


@pytest.mark.parametrize(
    ("sides", "key", "outcome", "remark"),
    [
        pytest.param((of(100, 100), of(200, 200)), HEAP, Outcome.REGRESSED, "fixed addresses",
                     id="repeats for a known reason"),
        pytest.param((of(*[100] * 5), of(*[200] * 5)), WALL, Outcome.REGRESSED, "5 replicates",
                     id="enough replicates of anything"),
        pytest.param((of(*[100] * 4), of(*[200] * 4)), WALL, Outcome.INCONCLUSIVE,
                     "proves nothing below 5", id="too few without a reason"),
        pytest.param((of(100, 100), of(200, 200, randomised=True)), HEAP, Outcome.INCONCLUSIVE,
                     "addresses were randomised", id="no reason without fixed addresses"),
        pytest.param((of(*[100] * 5), of(*[200] * 5, randomised=True)), HEAP, Outcome.REGRESSED,
                     "5 replicates", id="enough replicates in spite of them"),
        pytest.param((of(100, 100), of(100, 100, randomised=True)), HEAP, Outcome.CLEAN,
                     "addresses were randomised", id="no difference to be proved"),
    ],
)  # fmt: skip
def test_exactness_is_earned(
    sides: tuple[Sample, Sample], key: Key, outcome: Outcome, remark: str
) -> None:
    comparison = judge(*sides, key)
    assert comparison.outcome is outcome
    assert any(remark in said for said in comparison.remarks), comparison.remarks


def test_one_cell_that_varies_disproves_that_the_others_of_its_metric_repeat() -> None:
    other = HEAP._replace(binary="b")
    metric = Metrics(Manifest())[HEAP.metric]
    first, second, shaky = (of(*numbers, metric=metric) for numbers in ((1, 1), (2, 2), (1, 3)))
    steady = compare({HEAP: first, other: first}, {HEAP: second, other: first})
    assert [one.outcome for one in steady] == [Outcome.REGRESSED, Outcome.CLEAN]
    for sides in (({HEAP: first, other: shaky}, {HEAP: second, other: first}),
                  ({HEAP: first, other: first}, {HEAP: second, other: shaky})):  # fmt: skip
        judged = {one.case.binary: one for one in compare(*sides)}
        assert judged["a"].outcome is Outcome.INCONCLUSIVE
        assert not judged["a"].exact


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        (("1", "4"), ("2", "3"), Outcome.REGRESSED),
        (("1",), ("1",), Outcome.REGRESSED),
        (("1", "2"), ("3", "4"), Outcome.INCONCLUSIVE),
        (("3",), ("1",), Outcome.INCONCLUSIVE),
    ],
)
def test_sides_measured_one_after_the_other_carry_no_verdict_on_noise(
    old: tuple[str, ...], new: tuple[str, ...], outcome: Outcome
) -> None:
    slower = tuple(2 * number for number in NOISE)
    comparison = judge(of(*NOISE, runs=old), of(*slower, runs=new), WALL)
    assert comparison.outcome is outcome
    assert any("one after the other" in said for said in comparison.remarks) is (
        outcome is Outcome.INCONCLUSIVE
    )
    exact = judge(of(100, 100, runs=old), of(200, 200, runs=new))
    assert exact.outcome is Outcome.REGRESSED


NOISE = (98.0, 99.0, 100.0, 101.0, 102.0, 99.5, 100.5)


@pytest.mark.parametrize(
    ("factor", "outcome"),
    [
        pytest.param(1.0, Outcome.CLEAN, id="equal"),
        pytest.param(1.02, Outcome.CLEAN, id="within the tolerance for sure"),
        pytest.param(1.045, Outcome.INCONCLUSIVE, id="perhaps within the tolerance"),
        pytest.param(1.10, Outcome.REGRESSED, id="beyond it"),
        pytest.param(0.90, Outcome.IMPROVED, id="better"),
    ],
)
def test_noisy_metrics_are_judged_by_their_interval(factor: float, outcome: Outcome) -> None:
    assert judge(of(*NOISE), of(*(factor * x for x in NOISE)), WALL).outcome is outcome


def test_an_inconclusive_comparison_says_what_would_settle_it() -> None:
    noisy = of(90, 110, 95, 105)
    comparison = judge(noisy, noisy, WALL)
    assert comparison.outcome is Outcome.INCONCLUSIVE
    assert comparison.detectable_pct is not None
    assert comparison.detectable_pct > 5
    assert comparison.replicates_needed is not None
    assert comparison.replicates_needed > 4


def test_one_replicate_of_a_noisy_metric_is_inconclusive_however_large_the_change() -> None:
    for candidate in (1.0, 100.0, 10_000.0):
        for baseline in (of(100), of(*NOISE)):
            comparison = judge(baseline, of(candidate), WALL)
            assert comparison.outcome is Outcome.INCONCLUSIVE
            assert comparison.replicates_needed is None


def test_more_can_be_better() -> None:
    rule = Rule(higher_is_better=True)
    assert judge(of(100, 100), of(50, 50), rule=rule).outcome is Outcome.REGRESSED
    assert judge(of(100, 100), of(150, 150), rule=rule).outcome is Outcome.IMPROVED


def test_a_declared_erratic_experiment_never_regresses_nor_improves() -> None:
    rule = Rule(erratic=True)
    worse = judge(of(100, 100), of(200, 200), rule=rule)
    assert worse.outcome is Outcome.INCONCLUSIVE
    assert any("declared erratic" in remark for remark in worse.remarks)
    assert judge(of(100, 100), of(50, 50), rule=rule).outcome is Outcome.CLEAN


@pytest.mark.parametrize(
    ("key", "numbers", "remark"),
    [
        pytest.param(HEAP, (100, 104, 96), "declared exact, but", id="exact that varies"),
        pytest.param(HEAP, (100, 104, 96), "erratic: varies by", id="heap above 2 %"),
        pytest.param(WALL, (100, 130, 70), "erratic: varies by", id="time above 10 %"),
        pytest.param(HEAP, (100,), "one replicate", id="agreement not shown"),
    ],
)
def test_oddities_are_remarked_upon(key: Key, numbers: tuple[float, ...], remark: str) -> None:
    comparison = judge(of(*numbers), of(*numbers), key)
    assert any(remark in said for said in comparison.remarks), comparison.remarks


def test_ordinary_noise_is_no_oddity() -> None:
    assert judge(of(*NOISE), of(*NOISE), WALL).remarks == []


@pytest.mark.parametrize(
    ("baseline", "candidate", "fault"),
    [
        pytest.param(None, of(1), "baseline: not measured", id="no baseline"),
        pytest.param(of(1), None, "candidate: not measured", id="no candidate"),
        pytest.param(None, None, "baseline: not measured", id="neither"),
        pytest.param(of(1), of(), "no valid replicate", id="no value"),
        pytest.param(of(1), of(1, failed=1), "1 replicate failed", id="failure"),
        pytest.param(of(1), of(-1), "negative", id="negative"),
        pytest.param(of(1), of(1, unit="KiB"), "units differ", id="units"),
        pytest.param(of(1), of(1, inputs=frozenset({"x"})), "different binaries", id="binaries"),
        pytest.param(
            of(1), of(1, inputs=frozenset({"sha", "x"})), "changed during", id="binary changed"
        ),
        pytest.param(of(1), of(1, outputs=frozenset({"x"})), "different scopes", id="output"),
        pytest.param(of(1), of(1, outputs=frozenset()), "nobody checked", id="not verified"),
        pytest.param(of(1), of(1, rig="other"), "different or unknown rigs", id="rigs"),
        pytest.param(of(1, rig=""), of(1, rig=""), "different or unknown rigs", id="no rig"),
    ],
)
def test_what_may_not_be_compared_is_invalid_and_says_why(
    baseline: Sample | None, candidate: Sample | None, fault: str
) -> None:
    comparison = judge(baseline, candidate)
    assert comparison.outcome is Outcome.INVALID
    assert any(fault in said for said in comparison.faults), comparison.faults
    assert comparison.delta_pct is None


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_replicate_too_few_or_too_many_is_invalid_where_their_number_is_fixed(count: int) -> None:
    rule = Rule(demands=Demands(replicates=3))
    assert judge(of(1, 1, 1), of(*[1] * count), rule=rule).outcome is Outcome.INVALID
    assert judge(of(1, 1, 1), of(1, 1, 1), rule=rule).outcome is Outcome.CLEAN


def test_rigs_may_differ_for_reading() -> None:
    rule = Rule(demands=Demands(any_rig=True))
    comparison = judge(of(1, 1), of(1, 1, rig="other"), rule=rule)
    assert comparison.outcome is Outcome.CLEAN
    assert any("different rigs" in remark for remark in comparison.remarks)


def test_zero_in_a_noisy_metric_is_invalid() -> None:
    assert judge(of(0, 1), of(1, 1), WALL).faults == ["values of zero have no ratio"]


@pytest.mark.parametrize(
    ("now", "grain", "outcome", "said"),
    [
        (13, 1, Outcome.CLEAN, ""),
        (14, 1, Outcome.INCONCLUSIVE, "1.0 MiB apart at most, as two searches of the same may be"),
        (12, 1, Outcome.CLEAN, "1.0 MiB apart at most, as two searches of the same may be"),
        (15, 1, Outcome.REGRESSED, ""),
        (11, 1, Outcome.IMPROVED, ""),
        (100, 100, Outcome.INVALID, "the two sides were searched to 1.0 MiB and to 100.0 MiB"),
    ],
)
def test_a_limit_is_known_to_a_grain(now: int, grain: int, outcome: Outcome, said: str) -> None:
    """Two searches of the same are up to a grain apart; with a coarser one all limits rise."""
    key = HEAP._replace(metric="limit_cgroup_v1")
    old, new = (
        {key: of(at * MIB, at * MIB, metric=metric_of("cgroup_v1", step * MIB))}
        for at, step in ((13, 1), (now, grain))
    )
    (found,) = compare(old, new)
    assert found.outcome is outcome
    assert not said or said in [*found.faults, *found.remarks]
    assert found.replicates_needed is None


def test_nothing_to_compare_gives_nothing_and_passes_nothing() -> None:
    assert compare({}, {}) == []


def test_only_one_of_many_chance_findings_survives_as_a_family() -> None:
    """Twenty p-values of 0.04 and more are what twenty null experiments look like."""
    rng = random.Random(3)
    old, new = (
        {
            Key(str(n), "dwarf", "streaming", "wall"): of(*(rng.gauss(100, 1) for _ in range(5)))
            for n in range(20)
        }
        for _ in range(2)
    )
    family = compare(old, new)
    alone = [c.p_value for c in family if c.p_value is not None]
    together = [c.q_value for c in family if c.q_value is not None]
    assert sum(p < 0.10 for p in alone) >= 1
    assert sum(q < 0.10 for q in together) == 0
    assert all(q >= p for p, q in zip(alone, together, strict=True))


def test_exact_changes_do_not_loosen_the_rule_for_noisy_ones() -> None:
    noisy = {WALL: of(100, 101, 99, 100)}, {WALL: of(102, 103, 101, 102.5)}
    exact = {Key(str(n), "dwarf", "streaming", HEAP.metric): of(1, 1) for n in range(50)}
    changed = {key: of(2, 2) for key in exact}
    (alone,) = compare(*noisy)
    among = compare({**noisy[0], **exact}, {**noisy[1], **changed})
    assert next(c.q_value for c in among if c.metric == "wall") == alone.q_value
    assert adjust([]) == []


@given(st.lists(st.floats(min_value=0, max_value=1), max_size=30))
def test_q_values_are_what_scipy_finds(p_values: list[float]) -> None:
    expected = scipy.stats.false_discovery_control(p_values, method="bh") if p_values else []
    assert adjust(p_values) == pytest.approx(list(expected))


@given(KEYS, VALUES)
def test_for_all_samples_against_themselves_nothing_changes(key: Key, numbers: list[float]) -> None:
    comparison = judge(of(*numbers), of(*numbers), key)
    assert comparison.delta_pct == pytest.approx(0)
    assert comparison.outcome in {Outcome.CLEAN, Outcome.INCONCLUSIVE}


@given(KEYS, VALUES, VALUES, st.floats(min_value=1, max_value=10))
def test_for_all_samples_a_worse_candidate_never_passes_more(
    key: Key, baseline: list[float], candidate: list[float], factor: float
) -> None:
    before = judge(of(*baseline), of(*candidate), key).outcome
    after = judge(of(*baseline), of(*(factor * x for x in candidate)), key).outcome
    if before is Outcome.REGRESSED:
        assert after is Outcome.REGRESSED
    if after.passes:
        assert before.passes


def test_samples_are_collected_by_arm_from_the_probe_that_takes_them() -> None:
    rig = {"probe": "memray", "metric": "wall", "unit": "second"}
    bare = {"probe": "bare", "metric": "wall", "unit": "second"}
    made = frames(
        [
            *peaks("a", [9, 8], [1, 1]),
            sample("a", "legacy", 99, **rig),
            sample("a", "legacy", 2, **bare),
            failure("a", "legacy", replicate=7),
            failure("b", "legacy"),
        ],
        deliveries=[delivery("a", "legacy", "d1"), delivery("a", "streaming", "d2")],
    )
    found = collect(made, "legacy", "x", ["heap_peak_memray", "wall"])
    heap = found[Key("a", "dwarf", "x", "heap_peak_memray")]
    assert (heap.numbers, heap.failed) == ((9.0, 8.0), 1)
    assert heap.outputs == frozenset({"d1"})
    assert found[Key("a", "dwarf", "x", "wall")].numbers == (2,)
    assert found[Key("b", "dwarf", "x", "heap_peak_memray")].numbers == ()
    assert Key("b", "dwarf", "x", "wall") not in found


def test_a_metric_of_a_foreign_probe_can_be_compared() -> None:
    rows = [sample("a", "legacy", 3, probe="mine", metric="faults", unit="count")]
    found = collect(frames([*rows, failure("a", "legacy", probe="gc")]), "legacy", "x", ["faults"])
    assert found[Key("a", "dwarf", "x", "faults")].numbers == (3.0,)
    assert found[Key("a", "dwarf", "x", "faults")].failed == 0


def on_one_rig(made: Frames) -> Frames:
    return dataclasses.replace(made, manifest=manifest(rig_fingerprint="rig"))


def test_two_arms_of_one_run_compare() -> None:
    made = on_one_rig(frames(peaks("a", [100, 100], [40, 40]), verified="a"))
    (heap,) = compare_arms(made, "legacy", "streaming", Rule())
    assert (heap.case.arm, heap.metric) == ("streaming", HEAP.metric)
    assert heap.outcome is Outcome.IMPROVED
    assert (heap.delta_pct, heap.low_pct, heap.high_pct) == (-60, -60, -60)
    assert "--arm legacy --arm streaming" in heap.repeat_command


def test_two_runs_compare_arm_by_arm() -> None:
    before, after = (
        on_one_rig(frames(peaks("a", [100, 100], [40, new]), verified="a")) for new in (40, 80)
    )
    legacy, streaming = compare_runs(before, after, Rule())
    assert (legacy.case.arm, legacy.outcome) == ("legacy", Outcome.CLEAN)
    assert (streaming.case.arm, streaming.outcome) == ("streaming", Outcome.INCONCLUSIVE)
    assert "declared exact, but" in streaming.remarks[0]


def test_an_arm_that_one_run_lost_is_invalid() -> None:
    whole = frames(peaks("a", [100], [40]), verified="a")
    lost = frames(peaks("a", [100], []), verified="a")
    states = {c.case.arm: (c.outcome, c.faults) for c in compare_runs(whole, lost, Rule())}
    assert states["streaming"] == (Outcome.INVALID, ["candidate: not measured"])


FAMILIES, EXPERIMENTS = 300, 12
CASES = [Key(f"e{number}", "replay", "streaming", "heap_peak") for number in range(EXPERIMENTS)]


@pytest.mark.slow
@pytest.mark.parametrize("rare", [0.5, 0.1, 0.02])
@pytest.mark.parametrize("replicates", [2, 3, 5])
def test_a_process_with_two_ways_seldom_raises_an_alarm(rare: float, replicates: int) -> None:
    """Told as exact whenever two agreed, at n = 2 most families of equal code regressed."""
    rng, metric = np.random.default_rng(20), Metrics(Manifest())["heap_peak"]

    def modes() -> dict[Key, Sample]:
        drawn = (100 + 10.0 * (rng.random(replicates) < rare) for _ in CASES)
        return {key: of(*found, metric=metric) for key, found in zip(CASES, drawn, strict=True)}

    families = [compare(modes(), modes()) for _ in range(FAMILIES)]
    alarms = [any(one.outcome is Outcome.REGRESSED for one in family) for family in families]
    assert sum(alarms) / FAMILIES <= 0.05
