"""Did all arms deliver the same scopes? Until they did, comparing their memory is idle."""

from __future__ import annotations

import pandas as pd

from harness.gates.evidence import BASELINE, CANDIDATE, Evidence
from harness.stats.frames import Frames, of_case
from harness.stats.verdict import Fault, Findings


def judge(evidence: Evidence) -> Findings:
    """Compare what every arm of the suite delivered, over each binary and source, on both sides."""
    arms = sorted({arm for experiment in evidence.suite.experiments for arm in experiment.arms})
    sides = {BASELINE: evidence.baseline, CANDIDATE: evidence.candidate}
    found = {side: frames for side, frames in sides.items() if frames is not None}
    cases = sorted(
        {
            (case.binary, case.source)
            for experiment in evidence.suite.experiments
            for case in evidence.iter_cases(experiment)
        }
    )
    faults: list[Fault] = []
    for case in cases:
        digests: set[str] = set()
        what = " ".join(case)
        for side, frames in found.items():
            for arm in arms:
                delivered = _digests(frames, case, arm)
                digests |= delivered
                if not delivered:
                    reason = "nobody checked what was delivered"
                    faults.append(Fault(what=f"{side}: {what} {arm}", reason=reason))
                if delivered and not _scopes(frames, case, arm) > 0:
                    reason = "nothing was delivered: no memory was needed for that"
                    faults.append(Fault(what=f"{side}: {what} {arm}", reason=reason))
        if len(digests) > 1:
            faults.append(Fault(what=what, reason="different scopes were delivered"))
    return Findings(faults=faults, checked=len(cases))


def _digests(frames: Frames, case: tuple[str, str], arm: str) -> set[str]:
    return set(map(str, _good(frames, case, arm)["digest"])) - {""}


def _scopes(frames: Frames, case: tuple[str, str], arm: str) -> float:
    """Return the fewest scopes that were delivered in any verification."""
    return float(_good(frames, case, arm)["scopes"].astype(float).min())


def _good(frames: Frames, case: tuple[str, str], arm: str) -> pd.DataFrame:
    rows = of_case(frames.deliveries, case)
    return rows[(rows["arm"] == arm) & (rows["status"] == "ok")]
