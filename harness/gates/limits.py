"""The two bounds that a suite may write as one word: copies at the peak, and overshoot."""

from __future__ import annotations

from collections.abc import Callable

from harness.gates.evidence import Evidence
from harness.gates.rows import bound_row
from harness.gates.series import series_of
from harness.gates.suite import COPIES, OVERSHOOT, Experiment
from harness.stats.verdict import BoundRow, Fault, Findings, Outcome


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
        if all(row.outcome is Outcome.NOT_ASKED for row in rows):
            faults.append(_never_tested(experiment, name))
    return Findings(bounds=bounds, faults=faults)


def _never_tested(experiment: Experiment, name: str) -> Fault:
    """Return the fault of a bound that no case came near: passing it would mean nothing."""
    return Fault(
        what=f"{experiment.name}: {name}",
        reason="no case put it to the test; lower the threshold or choose larger binaries",
    )
