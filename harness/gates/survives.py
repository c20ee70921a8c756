"""Does the candidate still deliver under a memory limit, in every attempt?"""

from __future__ import annotations

from collections.abc import Iterator

from harness.gates.evidence import Evidence
from harness.gates.suite import SURVIVES, Experiment
from harness.limits.edge import SURVIVED
from harness.limits.found import Found
from harness.stats.bounds import share
from harness.stats.change import finite
from harness.stats.check import BoundCheck, Case, Outcome
from harness.stats.limits import found_limits
from harness.stats.repeat import limit_command
from harness.units import format_exactly


def iter_survivals(evidence: Evidence, experiment: Experiment) -> Iterator[BoundCheck]:
    """Yield a check for each case of an experiment that has to survive a limit."""
    if experiment.survives is None:
        return
    bound = int(experiment.survives)
    known = {(one.binary, one.source, one.arm): one for one in found_limits(evidence.candidate)}
    for case in evidence.iter_cases(experiment):
        found = known.get((case.binary, case.source, case.arm))
        yield _check(evidence, experiment, case, bound, found)


def _check(
    evidence: Evidence, experiment: Experiment, case: Case, bound: int, found: Found | None
) -> BoundCheck:
    outcome, detail, at = _outcome(experiment, bound, found)
    tried = found.outcomes.get(at, []) if found else []
    survived = found.edge.survives_bytes if found and found.edge else at
    known = outcome is Outcome.PASS or bool(found and found.edge and outcome is Outcome.FAIL)
    return BoundCheck(
        case=case,
        check=SURVIVES,
        judged_by="bounds",
        series=SURVIVES,
        unit="byte",
        gate=experiment.gate,
        outcome=outcome,
        upper_bound=bound,
        observed=float(survived) if known else None,
        headroom_pct=finite(share(bound - survived, bound)) if known else None,
        replicates_passed=tried.count(SURVIVED),
        replicates=len(tried),
        detail=detail,
        links=experiment.links,
        repeat_command=limit_command(
            evidence.candidate.manifest, (case.binary, case.source), case.arm, bound
        ),
    )


def _outcome(experiment: Experiment, bound: int, found: Found | None) -> tuple[Outcome, str, int]:
    """Return what came of it, why, and the limit whose attempts say so.

    What was killed with more memory does not survive less; what delivered with less survives more.
    """
    if found is None or found.problem:
        return Outcome.INVALID, found.problem if found else "no memory limit was tried", 0
    outcomes = found.outcomes
    lost = max((at for at in outcomes if at >= bound and found.at(at) != SURVIVED), default=0)
    if lost:
        told = f"{found.at(lost)} at {format_exactly(lost)}, limited by {found.backend}"
        return Outcome.FAIL, told, lost
    at = max((at for at in outcomes if at <= bound and found.at(at) == SURVIVED), default=0)
    if not at or (found.edge and at < found.edge.survives_bytes):
        told = f"{format_exactly(bound)} was not tried, and no other attempt tells"
        return Outcome.INVALID, told, 0
    if len(outcomes[at]) < experiment.replicates:
        told = f"{len(outcomes[at])} attempts where {experiment.replicates} were asked for"
        return Outcome.INVALID, told, at
    return Outcome.PASS, "", at
