"""How often two ways of one process are taken for a change; tests/gates simulates the noise."""

from __future__ import annotations

import numpy as np
import pytest

from harness.records import Manifest
from harness.stats.check import Outcome
from harness.stats.compare import compare
from harness.stats.metrics import Metrics
from harness.stats.samples import Key, Sample
from harness.tests.stats.test_compare import of

FAMILIES, EXPERIMENTS = 300, 12
KEYS = [Key(f"e{number}", "replay", "streaming", "heap_peak") for number in range(EXPERIMENTS)]


@pytest.mark.slow
@pytest.mark.parametrize("rare", [0.5, 0.1, 0.02])
@pytest.mark.parametrize("replicates", [2, 3, 5])
def test_a_process_with_two_ways_seldom_raises_an_alarm(rare: float, replicates: int) -> None:
    """Told as exact whenever two agreed, at n = 2 most families of equal code regressed."""
    rng, metric = np.random.default_rng(20), Metrics(Manifest())["heap_peak"]

    def modes() -> dict[Key, Sample]:
        drawn = (100 + 10.0 * (rng.random(replicates) < rare) for _ in KEYS)
        return {key: of(*found, metric=metric) for key, found in zip(KEYS, drawn, strict=True)}

    families = [compare(modes(), modes()) for _ in range(FAMILIES)]
    alarms = [any(one.outcome is Outcome.REGRESSED for one in family) for family in families]
    assert sum(alarms) / FAMILIES <= 0.05
