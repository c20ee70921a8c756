"""How often the whole decision is wrong: every gate, over simulated runs with a known truth."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness import registry
from harness.gates.decision import ask, decide
from harness.gates.evidence import Evidence
from harness.gates.suite import Suite
from harness.stats import compare
from harness.stats.check import Check, Comparison, Outcome
from harness.stats.frames import Frames
from harness.tests.stats.made import delivery, manifest, sample

FAMILIES, EXPERIMENTS, REPLICATES = 40, 12, 10
BINARIES = [f"e{number}" for number in range(EXPERIMENTS)]
GATES = {name: registry.load("gate", name) for name in registry.names("gate")}

Decisions = list[tuple[Outcome, dict[str, str]]]


@pytest.fixture(autouse=True)
def _without_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the permutation test: it is for readers, enters no verdict, and takes longest."""
    monkeypatch.setattr(compare, "permutation_p", lambda *_: None)


def suite(tolerance: float) -> Suite:
    experiment = {
        "name": "quality_gate",
        "optimization_goal": "wall",
        "replicates": REPLICATES,
        "tolerance": tolerance,
        "gate": True,
    }
    return Suite.model_validate({"name": "s", "corpus": "here", "experiments": [experiment]})


def run(run_id: str, rng: np.random.Generator, noise: float, factor: float = 1.0) -> Frames:
    """Return a run: log-normal times around a mean, `factor` times what they should be.

    It is merged of two rounds, between which the other side was measured.
    """
    found: list[dict[str, Any]] = [
        sample(binary, "streaming", value, replicate=number, metric="wall", probe="bare",
               unit="second")
        for binary in BINARIES
        for number, value in enumerate(factor * np.exp(rng.normal(0, noise, REPLICATES)))
    ]  # fmt: skip
    deliveries = pd.DataFrame([delivery(binary, "streaming") for binary in BINARIES])
    samples = pd.DataFrame(found).assign(run_id=run_id)
    rounds = [f"round {number}, {run_id}" for number in "12"]
    said = manifest(state="complete", rig_fingerprint="rig", run_id=run_id, pooled=rounds)
    return Frames.build(said, samples=samples, deliveries=deliveries.assign(run_id=run_id))


def comparisons(found: dict[str, list[Check]]) -> list[Comparison]:
    return [check for check in found["regression"] if isinstance(check, Comparison)]


def _iter_decisions(noise: float, factor: float, tolerance: float) -> Iterator[Any]:
    rng = np.random.default_rng(20)
    inputs = dict.fromkeys(BINARIES, "")
    for _ in range(FAMILIES):
        baseline, candidate = run("r1", rng, noise), run("r2", rng, noise, factor)
        found = ask(GATES, Evidence(suite(tolerance), inputs, candidate, baseline))
        states = {one.case.binary: str(one.outcome) for one in comparisons(found)}
        yield decide(found)[0], states


@cache
def decisions(noise: float, factor: float, tolerance: float) -> Decisions:
    return list(_iter_decisions(noise, factor, tolerance))


def share(found: Decisions, outcome: Outcome) -> float:
    return sum(decision is outcome for decision, _ in found) / len(found)


def test_without_any_change_the_decision_seldom_fails() -> None:
    """The tolerance is nothing, so that only the interval and the family rule protect."""
    found = decisions(0.02, 1.0, 0.0)
    failed = share(found, Outcome.FAIL)
    assert share(found, Outcome.INVALID) == 0  # what cannot be judged raises no alarm either
    print(f"false alarms of the whole decision without tolerance: {failed:.1%} of {FAMILIES}")
    assert failed <= 0.10


def test_with_the_tolerance_nothing_fails_and_all_is_proved_clean() -> None:
    found = decisions(0.02, 1.0, 5.0)
    failed, passed = (share(found, outcome) for outcome in (Outcome.FAIL, Outcome.PASS))
    print(f"with a tolerance of 5 %: {failed:.1%} fail, {passed:.1%} pass")
    assert failed == 0
    assert passed >= 0.95


def test_a_change_of_eight_per_cent_is_found_and_never_passes() -> None:
    found = decisions(0.02, 1.08, 5.0)
    states = [state for _, by_binary in found for state in by_binary.values()]
    power = states.count("regressed") / len(states)
    print(f"power at +8 % and a variation of 2 %: {power:.1%} of {len(states)} comparisons")
    assert power >= 0.95
    assert share(found, Outcome.FAIL) == 1
    assert share(found, Outcome.PASS) == 0
