"""The two bounds that a suite may write as one word: copies at the peak, and overshoot."""

from __future__ import annotations

from collections.abc import Callable

from harness.gates.evidence import Evidence
from harness.gates.rows import bound_row, never_tested
from harness.gates.series import series_of
from harness.gates.suite import COPIES, OVERSHOOT, Experiment
from harness.stats.verdict import BoundRow, Fault, Findings


def judge_copies(evidence: Evidence) -> Findings:
    """Count the whole copies of the payload that are alive at every peak."""
    return _judge(evidence, COPIES, lambda experiment: experiment.copies)


def judge_overshoot(evidence: Evidence) -> Findings:
    """Look how far every batch that reached the threshold went past it."""
    return _judge(evidence, OVERSHOOT, lambda experiment: experiment.overshoot)


def _judge(
    evidence: Evidence, name: str, bound_of: Callable[[Experiment], float | None]
) -> Findings:
    bounds: list[BoundRow] = []
    faults: list[Fault] = []
    for experiment in evidence.suite.experiments:
        upper_bound = bound_of(experiment)
        if upper_bound is None:
            continue
        rows = [
            bound_row(
                evidence,
                experiment,
                case,
                series_of(evidence, experiment, case, name),
                check=name,
                judged_by=name,
                name=name,
                upper_bound=upper_bound,
            )
            for case in evidence.iter_cases(experiment)
        ]
        bounds += rows
        faults += never_tested(experiment, name, rows)
    return Findings(bounds=bounds, faults=faults)
