"""Did any experiment of the suite get worse than the baseline?"""

from __future__ import annotations

from msgspec import structs

from harness.gates.evidence import BASELINE, CANDIDATE, Evidence
from harness.gates.suite import Experiment
from harness.stats.check import Check, Precondition
from harness.stats.compare import Rule, compare
from harness.stats.samples import Key
from harness.stats.sides import with_grown_lines


def judge(evidence: Evidence) -> list[Check]:
    """Compare every case and goal of the suite with the baseline, as one family.

    Without a baseline there is nothing to compare; whether that is allowed, the inventory says.
    """
    if evidence.baseline is None:
        return []
    asked, checks = _asked(evidence)
    rules = {
        key: Rule(
            tolerance_pct=experiment.tolerance,
            erratic=experiment.erratic,
            demands=evidence.demands(experiment, key.metric),
            experiment=experiment.name,
            gate=experiment.gate and not experiment.erratic,
            links=tuple(experiment.links),
        )
        for key, experiment in asked.items()
    }
    sides = (evidence.sides[side] for side in (BASELINE, CANDIDATE))
    old, new = ({key: found[key] for key in asked if key in found} for found in sides)
    found = with_grown_lines(compare(old, new, rules), evidence.baseline, evidence.candidate)
    for comparison in found:
        case = comparison.case
        experiment = asked[Key(case.binary, case.source, case.arm, comparison.metric)]
        command = evidence.repeat(experiment, case, comparison.metric)
        checks.append(structs.replace(comparison, repeat_command=command))
    return checks


def _asked(evidence: Evidence) -> tuple[dict[Key, Experiment], list[Check]]:
    """Return who asks for each comparison; one that two ask for would count twice in the family."""
    asked: dict[Key, Experiment] = {}
    faults: list[Check] = []
    for experiment in evidence.suite.experiments:
        for case in evidence.iter_cases(experiment):
            for goal in experiment.optimization_goal:
                key = Key(case.binary, case.source, case.arm, goal)
                first = asked.setdefault(key, experiment)
                if first is not experiment:
                    who = f"{first.name} and {experiment.name} both ask for it"
                    reason = f"{who}; leave one goal empty"
                    faults.append(Precondition(what=" ".join(key), reason=reason))
    return asked, faults
