"""Did any experiment of the suite get worse than the baseline?"""

from __future__ import annotations

from harness.gates.evidence import BASELINE, CANDIDATE, Evidence
from harness.gates.rows import experiment_row
from harness.gates.suite import Experiment
from harness.stats.compare import Rule, compare
from harness.stats.inventory import Key
from harness.stats.verdict import Case, Fault, Findings


def judge(evidence: Evidence) -> Findings:
    """Compare every case and goal of the suite with the baseline, as one family.

    Without a baseline there is nothing to compare; whether that is allowed, the inventory says.
    """
    if evidence.baseline is None:
        return Findings()
    asked, faults = _asked(evidence)
    rules = {
        key: Rule(
            tolerance_pct=experiment.tolerance,
            erratic=experiment.erratic,
            demands=evidence.demands(experiment, key.metric),
        )
        for key, (experiment, _) in asked.items()
    }
    sides = (evidence.sides[side] for side in (BASELINE, CANDIDATE))
    old, new = ({key: found[key] for key in asked if key in found} for found in sides)
    rows = []
    for comparison in compare(old, new, rules):
        experiment, case = asked[comparison.key]
        rows.append(
            experiment_row(
                comparison,
                case,
                gate=experiment.gate and not experiment.erratic,
                links=experiment.report_links,
                repeat_command=evidence.repeat(experiment, case, comparison.key.metric),
            )
        )
    return Findings(experiments=rows, faults=faults)


def _asked(evidence: Evidence) -> tuple[dict[Key, tuple[Experiment, Case]], list[Fault]]:
    """Return who asks for each comparison; one that two ask for would count twice in the family."""
    asked: dict[Key, tuple[Experiment, Case]] = {}
    faults = []
    for experiment in evidence.suite.experiments:
        for case in evidence.iter_cases(experiment):
            for goal in experiment.optimization_goal:
                key = Key(case.binary, case.source, case.arm, goal)
                first, _ = asked.setdefault(key, (experiment, case))
                if first is not experiment:
                    who = f"{first.name} and {experiment.name} both ask for it"
                    faults.append(Fault(what=" ".join(key), reason=f"{who}; leave one goal empty"))
    return asked, faults
