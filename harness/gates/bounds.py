"""Does every replicate of the candidate keep to its bounds?

Bounds are those of the suite's checks, written down or ratcheted, and those that a suite may write
as one word: copies at the peak, overshoot, and the memory limit that is survived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from harness.gates.evidence import Evidence
from harness.gates.series import Series, series_of
from harness.gates.suite import BoundsCheck, Experiment
from harness.gates.survives import iter_survivals
from harness.stats.bounds import keep_to
from harness.stats.change import finite
from harness.stats.check import BoundCheck, Case, Check, Outcome, Precondition
from harness.stats.metrics import COPIES, OVERSHOOT

_REMEDY = "ratchet one with `harness baseline ratchet`, or write it into the suite"


class _Limit(Struct, frozen=True, kw_only=True):
    """What a series has to keep to. `objection` says why it cannot be held against it."""

    check: str
    judged_by: str
    series: str
    upper_bound: float | None = None
    lower_bound: float | None = None
    margin_pct: float | None = None
    objection: str = ""


def judge(evidence: Evidence) -> list[Check]:
    """Hold every case of every check against its bound, and every limit to be survived."""
    checks: list[Check] = []
    for experiment in evidence.suite.experiments:
        for asked in experiment.checks:
            checks += _iter_checks(evidence, experiment, _limit(evidence, experiment, asked))
        checks += iter_survivals(evidence, experiment)
    return checks


def judge_copies(evidence: Evidence) -> list[Check]:
    """Count the whole copies of the payload that are alive at every peak."""
    return _judge_limit(evidence, COPIES, lambda experiment: experiment.copies)


def judge_overshoot(evidence: Evidence) -> list[Check]:
    """Look how far every batch that reached the threshold went past it."""
    return _judge_limit(evidence, OVERSHOOT, lambda experiment: experiment.overshoot)


def _judge_limit(
    evidence: Evidence, name: str, bound_of: Callable[[Experiment], float | None]
) -> list[Check]:
    checks: list[Check] = []
    for experiment in evidence.suite.experiments:
        bound = bound_of(experiment)
        if bound is not None:
            limit = _Limit(check=name, judged_by=name, series=name, upper_bound=bound)
            checks += _iter_checks(evidence, experiment, limit)
    return checks


def _limit(evidence: Evidence, experiment: Experiment, asked: BoundsCheck) -> _Limit:
    bounds = asked.bounds
    found = evidence.bound(experiment, asked.name) if bounds.ratcheted else None
    objection = f"there is no bound: {_REMEDY}" if bounds.ratcheted else ""
    if found:
        elsewhere = evidence.objection(found, bounds.series)
        objection = f"its bound was ratcheted elsewhere: {elsewhere}" if elsewhere else ""
    return _Limit(
        check=asked.name,
        judged_by="bounds",
        series=bounds.series,
        upper_bound=found.upper_bound if found else bounds.upper_bound,
        lower_bound=bounds.lower_bound,
        margin_pct=found.margin_pct if found else None,
        objection=objection,
    )


def _iter_checks(evidence: Evidence, experiment: Experiment, limit: _Limit) -> Iterator[Check]:
    """Yield a check per case, and a fault when no case came near: keeping to it means nothing."""
    checks = [_check(evidence, experiment, case, limit) for case in evidence.iter_cases(experiment)]
    yield from checks
    if all(check.outcome is Outcome.NOT_ASKED for check in checks):
        reason = "no case put it to the test; lower the threshold or choose larger binaries"
        yield Precondition(what=f"{experiment.name}: {limit.check}", reason=reason)


def _check(evidence: Evidence, experiment: Experiment, case: Case, limit: _Limit) -> BoundCheck:
    series = series_of(evidence, experiment, case, limit.series)
    bounds = {"upper_bound": limit.upper_bound, "lower_bound": limit.lower_bound}
    kept = keep_to(series.values, **bounds)
    outcome, detail = _outcome(series, limit.objection, holds=kept.holds, count=kept.replicates)
    judged = outcome in {Outcome.PASS, Outcome.FAIL}
    return BoundCheck(
        case=case,
        check=limit.check,
        judged_by=limit.judged_by,
        series=limit.series,
        unit=series.unit,
        gate=experiment.gate,
        outcome=outcome,
        **bounds,
        observed=finite(kept.observed) if judged else None,
        headroom_pct=finite(kept.headroom_pct) if judged else None,
        replicates_passed=kept.passed if judged else 0,
        replicates=kept.replicates,
        margin_pct=limit.margin_pct,
        detail=detail,
        links=experiment.links,
        repeat_command=evidence.repeat(experiment, case, limit.series),
    )


def _outcome(series: Series, objection: str, *, holds: bool, count: int) -> tuple[Outcome, str]:
    """Return what came of a series, and why; `objection` says why its bound says nothing."""
    faults = [*series.faults, *([objection] if objection else [])]
    if faults or (not series.untested and not count):
        return Outcome.INVALID, "; ".join(faults) or "no value"
    if series.untested:
        return Outcome.NOT_ASKED, series.untested
    return Outcome.PASS if holds else Outcome.FAIL, series.context
