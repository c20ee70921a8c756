"""The verdict on each metric of each experiment: regressed, improved, clean, or why not known.

Steps 0 to 6 of the rule; bounds are in `harness.stats.bounds`, the decision is the gates'.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from scipy import stats

from harness.stats.change import Change, coefficient_of_variation, estimate_change
from harness.stats.inventory import Demands, Key, Sample, iter_faults
from harness.stats.metrics import kind_of
from harness.stats.power import minimum_detectable_pct, replicates_needed

FALSE_DISCOVERY_RATE = 0.10


class State(StrEnum):
    """What is known after a comparison. Only `CLEAN` and `IMPROVED` are passes."""

    INVALID = "invalid"
    REGRESSED = "regressed"
    IMPROVED = "improved"
    CLEAN = "clean"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Rule:
    """How one metric of one experiment is judged.

    `tolerance_pct` is the change that matters; `higher_is_better` turns the regressing direction
    round; `erratic` experiments never regress, because nobody trusts them.
    """

    tolerance_pct: float = 5.0
    higher_is_better: bool = False
    erratic: bool = False
    demands: Demands = field(default_factory=Demands)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of the verdict.

    `change` is None only when the state is invalid; `q_value` only when it is invalid, exact or
    without an interval. `faults` are why it is invalid; `remarks` what a reader should know
    besides. `detectable_pct` and `replicates_needed` are given when the state is inconclusive and
    the noise is known.
    """

    key: Key
    rule: Rule
    state: State
    baseline: Sample | None
    candidate: Sample | None
    change: Change | None = None
    q_value: float | None = None
    detectable_pct: float | None = None
    replicates_needed: int | None = None
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def compare(
    baseline: Mapping[Key, Sample],
    candidate: Mapping[Key, Sample],
    rules: Mapping[Key, Rule] | None = None,
    default: Rule | None = None,
) -> list[Comparison]:
    """Judge everything that either side has, or that `rules` expect, as one family.

    Args:
        baseline: Samples by key.
        candidate: Likewise.
        rules: How to judge which key; a key with a rule and without samples is missed.
        default: How to judge the others.

    Returns:
        One comparison a key, sorted by key.
    """
    rules, default = rules or {}, default or Rule()
    family = [
        _measure(key, rules.get(key, default), baseline.get(key), candidate.get(key))
        for key in sorted({*baseline, *candidate, *rules})
    ]
    return [_decide(comparison) for comparison in adjust(family)]


def adjust(family: Sequence[Comparison]) -> list[Comparison]:
    """Put Benjamini and Hochberg's q-value to every comparison that is a test.

    Of twenty null experiments at least one is flagged 86 % of the time without it, 10 % with it.
    Exact changes are arithmetic, not tests: they stay out, so that certain changes do not loosen
    the rule for noisy ones.
    """
    tests = [c.change.p_value for c in family if c.change and c.change.p_value is not None]
    q_values = iter(stats.false_discovery_control(tests, method="bh") if tests else [])
    return [
        replace(c, q_value=float(next(q_values)))
        if c.change and c.change.p_value is not None
        else c
        for c in family
    ]


def _measure(key: Key, rule: Rule, baseline: Sample | None, candidate: Sample | None) -> Comparison:
    comparison = Comparison(key, rule, State.INVALID, baseline, candidate)
    faults = tuple(iter_faults(baseline, candidate, rule.demands))
    if faults or baseline is None or candidate is None:
        return replace(comparison, faults=faults)
    exact = kind_of(key.metric).exact
    change = estimate_change(baseline.numbers, candidate.numbers, exact=exact)
    if math.isnan(change.delta_pct):
        return replace(comparison, faults=("values of zero have no ratio",))
    return replace(comparison, change=change, remarks=_remarks(comparison, change))


def _decide(comparison: Comparison) -> Comparison:
    change = comparison.change
    if change is None:
        return comparison
    state = _state(comparison, change)
    if state is not State.INCONCLUSIVE:
        return replace(comparison, state=state)
    assert comparison.baseline is not None
    assert comparison.candidate is not None
    values = (comparison.baseline.numbers, comparison.candidate.numbers)
    return replace(
        comparison,
        state=state,
        detectable_pct=minimum_detectable_pct(*values),
        replicates_needed=replicates_needed(*values, comparison.rule.tolerance_pct),
    )


def _state(comparison: Comparison, change: Change) -> State:
    rule = comparison.rule
    worse, low, high = change.delta_pct, change.low_pct, change.high_pct
    if rule.higher_is_better:
        worse, low, high = -worse, -high, -low
    if change.exact:
        significant = worse != 0
    else:
        q_value = comparison.q_value
        significant = q_value is not None and q_value <= FALSE_DISCOVERY_RATE
    if significant and not rule.erratic:
        if worse >= rule.tolerance_pct and low > 0:
            return State.REGRESSED
        if worse <= -rule.tolerance_pct and high < 0:
            return State.IMPROVED
    proved = high < rule.tolerance_pct or (change.exact and high <= 0)
    return State.CLEAN if proved else State.INCONCLUSIVE


def _remarks(comparison: Comparison, change: Change) -> tuple[str, ...]:
    samples = [s for s in (comparison.baseline, comparison.candidate) if s is not None]
    kind = kind_of(comparison.key.metric)
    remarks = []
    if kind.exact and not change.exact:
        spread = ", ".join(f"{min(s.numbers):.0f} to {max(s.numbers):.0f}" for s in samples)
        remarks.append(f"declared exact, but replicates differ: {spread}")
    if change.exact and not kind.exact:
        remarks.append("no spread at all, so compared by arithmetic")
    if change.exact and min(len(s.numbers) for s in samples) < 2:
        remarks.append("one replicate: that others would agree was not shown")
    noise = max(coefficient_of_variation(s.numbers) for s in samples)
    if noise > kind.erratic_above:
        remarks.append(f"erratic: varies by {noise:.1%}, above {kind.erratic_above:.0%}")
    elif comparison.rule.erratic:
        remarks.append(f"declared erratic, but varies by {noise:.1%} only")
    if len({s.rig for s in samples}) > 1:
        remarks.append("measured on different rigs: for reading, not for a verdict")
    return tuple(remarks)
