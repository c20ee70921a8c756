"""How often the whole rule is wrong, over simulated families of experiments with a known truth."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from harness.records import Manifest
from harness.stats import compare as rule_of
from harness.stats.check import Comparison, Outcome
from harness.stats.compare import Rule, compare
from harness.stats.metrics import Metrics
from harness.stats.samples import Key, Sample

FAMILIES, EXPERIMENTS, REPLICATES = 200, 20, 10
KEYS: list[Key] = [Key(f"e{number}", "dwarf", "streaming", "wall") for number in range(EXPERIMENTS)]
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _without_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the permutation test: it is for readers, enters no verdict, and takes longest."""
    monkeypatch.setattr(rule_of, "permutation_p", lambda *_: None)


def side(rng: np.random.Generator, noise: float, factor: float = 1.0) -> dict[Key, Sample]:
    """Return one side of a family: log-normal noise around a mean of its own."""
    return {
        key: Sample(
            numbers=tuple(factor * 100 * np.exp(rng.normal(0, noise, REPLICATES))),
            unit="second",
            inputs=frozenset({"sha"}),
            outputs=frozenset({"digest"}),
            rig="rig",
        )
        for key in KEYS
    }


@cache
def verdicts(noise: float, factor: float, rule: Rule) -> list[list[Comparison]]:
    rng = np.random.default_rng(20)
    return [
        compare(side(rng, noise), side(rng, noise, factor), default=rule) for _ in range(FAMILIES)
    ]


def share(families: list[list[Comparison]], outcome: Outcome) -> float:
    """Return the share of families in which at least one experiment came out so."""
    return sum(any(c.outcome is outcome for c in family) for family in families) / len(families)


@pytest.mark.parametrize("noise", [0.02, 0.10])
def test_without_any_change_a_family_seldom_raises_an_alarm(noise: float) -> None:
    """The tolerance is nothing, so that only the interval and the family rule protect."""
    families = verdicts(noise, 1.0, Rule(tolerance_pct=0.0))
    assert share(families, Outcome.REGRESSED) <= 0.10
    assert share(families, Outcome.IMPROVED) <= 0.10


def test_with_the_tolerance_noise_raises_no_alarm_at_all() -> None:
    assert share(verdicts(0.02, 1.0, Rule()), Outcome.REGRESSED) == 0


@pytest.mark.parametrize("rare", [0.5, 0.1, 0.02])
@pytest.mark.parametrize("replicates", [2, 3, 5])
def test_a_process_with_two_ways_seldom_raises_an_alarm(rare: float, replicates: int) -> None:
    """Told as exact whenever two agreed, at n = 2 most families of equal code regressed."""
    rng = np.random.default_rng(20)
    keys = [Key(f"e{number}", "replay", "streaming", "heap_peak") for number in range(12)]

    def modes() -> dict[Key, Sample]:
        return {
            key: Sample(
                numbers=tuple(100 + 10.0 * (rng.random(replicates) < rare)),
                unit="byte",
                inputs=frozenset({"sha"}),
                outputs=frozenset({"digest"}),
                rig="rig",
                metric=Metrics(Manifest())["heap_peak"],
            )
            for key in keys
        }

    families = [compare(modes(), modes()) for _ in range(300)]
    assert share(families, Outcome.REGRESSED) <= 0.05


def test_a_change_of_eight_per_cent_is_found() -> None:
    families = verdicts(0.02, 1.08, Rule())
    found = [c.outcome is Outcome.REGRESSED for family in families for c in family]
    assert sum(found) / len(found) >= 0.95


def test_a_change_of_eight_per_cent_is_never_passed() -> None:
    families = verdicts(0.02, 1.08, Rule())
    passed = [c.outcome in {Outcome.CLEAN, Outcome.IMPROVED} for family in families for c in family]
    assert sum(passed) / len(passed) <= 0.05
