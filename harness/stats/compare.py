"""The rule: whether each metric of each experiment regressed, improved, is clean, or why not known.

Steps 0 to 6 of it; bounds are in `harness.stats.bounds`, the decision is the gates'.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from harness.config import TOLERANCE_PCT
from harness.stats.change import (
    Change,
    coefficient_of_variation,
    estimate_change,
    finite,
    minimum_detectable_pct,
    permutation_p,
    replicates_needed,
)
from harness.stats.check import Case, Comparison, Link, Outcome
from harness.stats.samples import Demands, Key, Sample, iter_faults, were_interleaved
from harness.units import format_exactly

FALSE_DISCOVERY_RATE = 0.10

PROOF_REPLICATES = 5
"""Of a process with two equally likely ways, both sides agree so often once in 256 times."""


class Rule(Struct, frozen=True, kw_only=True):
    """How one metric of one experiment is judged.

    `tolerance_pct` is the change that matters; `higher_is_better` turns the regressing direction
    round; `erratic` experiments never regress, because nobody trusts them. The name of the
    experiment, whether it is a gate and its links are passed on to the check.
    """

    tolerance_pct: float = TOLERANCE_PCT
    higher_is_better: bool = False
    erratic: bool = False
    demands: Demands = Demands()
    experiment: str = ""
    gate: bool = False
    links: tuple[Link, ...] = ()


class _Pair(NamedTuple):
    """The two samples of one key. Where there are `faults`, nothing is known of the change."""

    key: Key
    rule: Rule
    old: Sample | None
    new: Sample | None
    faults: tuple[str, ...]
    change: Change = Change(math.nan, math.nan, math.nan, exact=False)
    proof: str = ""

    @property
    def samples(self) -> list[Sample]:
        return [sample for sample in (self.old, self.new) if sample is not None]


def compare(
    baseline: Mapping[Key, Sample],
    candidate: Mapping[Key, Sample],
    rules: Mapping[Key, Rule] | None = None,
    default: Rule | None = None,
) -> list[Comparison]:
    """Judge everything that either side has, or that `rules` expect, as one family.

    A key with a rule and without samples is missed; `default` judges those without a rule. There is
    one comparison per key, sorted by key, without a command to repeat it.
    """
    rules, default = rules or {}, default or Rule()
    varied = {
        key.metric for side in (baseline, candidate) for key, one in side.items() if not one.agrees
    }
    pairs = [
        _pair(key, rules.get(key, default), (baseline.get(key), candidate.get(key)), varied)
        for key in sorted({*baseline, *candidate, *rules})
    ]
    q_values = adjust([pair.change.p_value for pair in pairs])
    return [_judged(pair, q) for pair, q in zip(pairs, q_values, strict=True)]


def adjust(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Benjamini and Hochberg's q-value of every p-value; None stays None.

    Of twenty null experiments at least one is flagged 86 % of the time without it, 10 % with it.
    Exact changes are arithmetic, not tests: they stay out, so that certain changes do not loosen
    the rule for noisy ones. These lines do as `scipy.stats.false_discovery_control` does, which
    takes longer to import than a gate to decide.
    """
    tests = np.array([p for p in p_values if p is not None])
    order = np.argsort(tests)[::-1]  # the largest first
    steps = tests[order] * tests.size / np.arange(tests.size, 0, -1)
    q_values = np.empty_like(tests)
    q_values[order] = np.minimum(1, np.minimum.accumulate(steps))
    found = iter(q_values)
    return [None if p is None else float(next(found)) for p in p_values]


def proof_of_exactness(old: Sample, new: Sample, *, varied: bool) -> str:
    """Return why replicates that agree are all that there is to know; empty where they are not.

    A process that allocates in one of two ways agrees with itself twice half of the time. So two
    that agree prove nothing by themselves. What makes them repeat has to be known: addresses that
    are fixed, one hash seed, the same libraries, and no cell of this metric that ever `varied`, on
    either side. Or there are so many of them that a second way would have shown.
    """
    sides = (old, new)
    if not all(one.agrees for one in sides):
        return ""
    count = min(len(one.numbers) for one in sides)
    if count >= PROOF_REPLICATES:
        return f"exact: {count} replicates of each side agree"
    if new.metric.exact and not varied and not any(one.randomised for one in sides):
        return "exact: fixed addresses and hash seed, and no cell of this metric varied"
    return ""


def _pair(
    key: Key, rule: Rule, sides: tuple[Sample | None, Sample | None], varied: set[str]
) -> _Pair:
    old, new = sides
    faults = tuple(iter_faults(old, new, rule.demands))
    if faults or old is None or new is None:
        return _Pair(key, rule, old, new, faults)
    proof = proof_of_exactness(old, new, varied=key.metric in varied)
    change = estimate_change(old.numbers, new.numbers, exact=bool(proof))
    if math.isnan(change.delta_pct):
        return _Pair(key, rule, old, new, ("values of zero have no ratio",))
    return _Pair(key, rule, old, new, (), change, proof)


def _judged(pair: _Pair, q_value: float | None) -> Comparison:
    key, rule, change = pair.key, pair.rule, pair.change
    known = not pair.faults
    within_grain = known and _is_within_grain(*pair.samples)
    outcome = Outcome.INVALID
    if known:
        outcome = _outcome(rule, change, q_value, within_grain=within_grain)
    noisy = known and not change.exact
    drift = noisy and not were_interleaved(*pair.samples)
    if drift and outcome in {Outcome.REGRESSED, Outcome.IMPROVED}:
        outcome = Outcome.INCONCLUSIVE
    numbers = [sample.numbers for sample in pair.samples]
    unsettled = outcome is Outcome.INCONCLUSIVE and not within_grain
    return Comparison(
        case=Case(experiment=rule.experiment, binary=key.binary, source=key.source, arm=key.arm),
        metric=key.metric,
        unit=pair.samples[-1].unit if pair.samples else "",
        goal="more" if rule.higher_is_better else "less",
        tolerance_pct=rule.tolerance_pct,
        erratic=rule.erratic,
        gate=rule.gate,
        outcome=outcome,
        delta_pct=finite(change.delta_pct),
        low_pct=finite(change.low_pct),
        high_pct=finite(change.high_pct),
        exact=change.exact,
        baseline_mean=_mean(pair.old),
        candidate_mean=_mean(pair.new),
        baseline_replicates=len(pair.old.numbers) if pair.old else 0,
        candidate_replicates=len(pair.new.numbers) if pair.new else 0,
        varies_pct=_varies_pct(numbers),
        p_value=change.p_value,
        permutation_p=permutation_p(*numbers) if noisy else None,
        q_value=q_value,
        detectable_pct=minimum_detectable_pct(*numbers) if unsettled else None,
        replicates_needed=(
            replicates_needed(numbers[0], numbers[1], rule.tolerance_pct) if unsettled else None
        ),
        faults=list(pair.faults),
        remarks=_remarks(pair, drift=drift) if known else [],
        links=list(rule.links),
    )


def _is_within_grain(old: Sample, new: Sample) -> bool:
    """Tell whether values that were searched are as near as two searches of the same may be."""
    apart = abs((_mean(new) or 0) - (_mean(old) or 0))
    return apart <= new.metric.grain > 0


def _outcome(rule: Rule, change: Change, q_value: float | None, *, within_grain: bool) -> Outcome:
    worse, low, high = change.delta_pct, change.low_pct, change.high_pct
    if rule.higher_is_better:
        worse, low, high = -worse, -high, -low
    if change.exact:
        significant = worse != 0
    else:
        significant = q_value is not None and q_value <= FALSE_DISCOVERY_RATE
    if significant and not rule.erratic and not within_grain:
        if worse >= rule.tolerance_pct and low > 0:
            return Outcome.REGRESSED
        if worse <= -rule.tolerance_pct and high < 0:
            return Outcome.IMPROVED
    proved = high < rule.tolerance_pct or (change.exact and high <= 0)
    return Outcome.CLEAN if proved else Outcome.INCONCLUSIVE


def _remarks(pair: _Pair, *, drift: bool) -> list[str]:
    samples, change = pair.samples, pair.change
    kind = samples[-1].metric
    remarks = [pair.proof] if pair.proof and change.delta_pct else []
    if not pair.proof and change.delta_pct and all(one.agrees for one in samples):
        remarks.append(
            f"replicates agree, which proves nothing below {PROOF_REPLICATES} of each side"
        )
    if any(one.randomised for one in samples):
        remarks.append("addresses were randomised, so exact metrics may vary")
    if drift:
        remarks.append(
            "the sides were measured one after the other: drift of the machine looks like a change"
        )
    if kind.exact and not change.exact:
        spread = ", ".join(f"{min(s.numbers):.0f} to {max(s.numbers):.0f}" for s in samples)
        remarks.append(f"declared exact, but replicates differ: {spread}")
    if change.exact and min(len(s.numbers) for s in samples) < 2:
        remarks.append("one replicate: that others would agree was not shown")
    if change.delta_pct and _is_within_grain(*samples):
        grain = format_exactly(kind.grain)
        remarks.append(f"{grain} apart at most, as two searches of the same may be")
    noise = max(coefficient_of_variation(s.numbers) for s in samples)
    if noise > kind.erratic_above:
        remarks.append(f"erratic: varies by {noise:.1%}, above {kind.erratic_above:.0%}")
    elif pair.rule.erratic:
        remarks.append(f"declared erratic, but varies by {noise:.1%} only")
    if len({s.rig for s in samples}) > 1:
        remarks.append("measured on different rigs: for reading, not for a verdict")
    return remarks


def _mean(sample: Sample | None) -> float | None:
    if sample is None or not sample.numbers:
        return None
    return finite(math.fsum(sample.numbers) / len(sample.numbers))


def _varies_pct(numbers: Sequence[Sequence[float]]) -> float | None:
    found = [100 * coefficient_of_variation(values) for values in numbers if values]
    return finite(max(found)) if found else None
