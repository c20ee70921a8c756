"""Did all arms deliver the same scopes? If they did not, their memory cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator

from harness.gates.evidence import Evidence
from harness.stats.check import Check, Outcome, Precondition
from harness.stats.doubts import delivered


def judge(evidence: Evidence) -> list[Check]:
    """Compare what every arm of the suite delivered, over each binary and source, on both sides."""
    arms = sorted({arm for experiment in evidence.suite.experiments for arm in experiment.arms})
    cases = sorted(
        {
            (case.binary, case.source)
            for experiment in evidence.suite.experiments
            for case in evidence.iter_cases(experiment)
        }
    )
    checks: list[Check] = []
    for case in cases:
        same = Precondition(what=" ".join(case), outcome=Outcome.PASS)
        checks += list(_iter_faults(evidence, case, arms)) or [same]
    return checks


def _iter_faults(
    evidence: Evidence, case: tuple[str, str], arms: list[str]
) -> Iterator[Precondition]:
    what = " ".join(case)
    digests: set[str] = set()
    for side, frames in evidence.runs.items():
        for arm in arms:
            rows = frames.rows_of_case("deliveries", *case)
            found = delivered(rows, arm)
            digests |= found
            if not found:
                reason = "nobody checked what was delivered"
            elif any(not row.scopes > 0 for row in rows if (row.arm, row.status) == (arm, "ok")):
                reason = "nothing was delivered: no memory was needed for that"
            else:
                continue
            yield Precondition(what=f"{side}: {what} {arm}", reason=reason)
    if len(digests) > 1:
        yield Precondition(what=what, reason="different scopes were delivered")
