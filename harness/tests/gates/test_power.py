"""What is said before a run of metrics that vary, against what the verdict can see afterwards."""

from __future__ import annotations

import math

import pytest

from harness.gates.power import iter_doubts
from harness.gates.suite import Experiment, Suite
from harness.records import Metric
from harness.stats.change import minimum_detectable_pct, replicates_at, tolerable_variation_pct

METRICS = {
    one.name: one for one in (Metric("cpu", "second"), Metric("heap_peak", "byte", exact=True))
}


def doubts(replicates: int, **experiment: object) -> list[str]:
    suite = Suite(
        corpus="small",
        experiments=(Experiment.model_validate({"name": "e", "gate": True, **experiment}),),
    )
    return list(iter_doubts(suite, METRICS, dict.fromkeys(METRICS, replicates)))


@pytest.mark.parametrize(
    ("replicates", "said"), [(1, "never"), (2, "less than 1.2 %"), (48, "less than 10 %")]
)
def test_a_metric_that_varies_is_doubted_before_it_is_measured(replicates: int, said: str) -> None:
    (line,) = doubts(replicates, optimization_goal=["cpu", "heap_peak"], tolerance=5)
    assert line.startswith("cpu varies: ")
    assert said in line
    assert "it takes 48 where it varies by 10 %" in line


def test_an_exact_metric_and_one_that_never_regresses_are_not_doubted() -> None:
    assert doubts(1, optimization_goal=["heap_peak"]) == []
    bound = [{"name": "b", "bounds": {"series": "cpu", "upper_bound": 9}}]
    assert doubts(1, optimization_goal=["cpu"], erratic=True, checks=bound) == []


def test_without_a_tolerance_no_number_of_replicates_is_enough() -> None:
    assert replicates_at(10, 0) is None
    (line,) = doubts(5, optimization_goal=["cpu"], tolerance=0)
    assert "never" in line


@pytest.mark.parametrize("replicates", [2, 6, 30])
def test_in_noise_that_is_just_tolerable_the_change_is_just_seen(replicates: int) -> None:
    deviation = math.log1p(tolerable_variation_pct(replicates, 5) / 100)
    away = deviation * math.sqrt((replicates - 1) / replicates)
    side = [math.exp(sign * away) for sign in (1, -1) for _ in range(replicates // 2)]
    assert minimum_detectable_pct(side, side) == pytest.approx(5)
