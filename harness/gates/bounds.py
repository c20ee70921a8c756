"""Does every replicate of the candidate keep to the bounds of the suite's checks?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.gates.evidence import Evidence
from harness.gates.rows import bound_row, never_tested
from harness.gates.series import series_of
from harness.gates.suite import Check, Experiment
from harness.stats.verdict import BoundRow, Fault, Findings

_REMEDY = "ratchet one with `harness baseline ratchet`, or write it into the suite"


def judge(evidence: Evidence) -> Findings:
    """Hold every case of every check against its bound, written down or ratcheted."""
    bounds: list[BoundRow] = []
    faults: list[Fault] = []
    for experiment in evidence.suite.experiments:
        for check in experiment.checks:
            rows = list(_iter_rows(evidence, experiment, check))
            bounds += rows
            faults += never_tested(experiment, check.name, rows)
    return Findings(bounds=bounds, faults=faults)


def _iter_rows(evidence: Evidence, experiment: Experiment, check: Check) -> Iterator[BoundRow]:
    bound = _bound_of(evidence, experiment, check)
    for case in evidence.iter_cases(experiment):
        yield bound_row(
            evidence,
            experiment,
            case,
            series_of(evidence, experiment, case, check.bounds.series),
            check=check.name,
            judged_by="bounds",
            name=check.bounds.series,
            **bound,
        )


def _bound_of(evidence: Evidence, experiment: Experiment, check: Check) -> dict[str, Any]:
    bounds = check.bounds
    if not bounds.ratcheted:
        return {"upper_bound": bounds.upper_bound, "lower_bound": bounds.lower_bound}
    found = evidence.ratcheted.get((experiment.name, check.name))
    if found is None:
        return {"objection": f"there is no bound: {_REMEDY}"}
    return {
        "upper_bound": found.upper_bound,
        "margin_pct": found.margin_pct,
        "objection": found.objection,
    }
