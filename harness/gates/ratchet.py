"""Bounds from measurements: what a run proposes, and what it may do to bounds that are there.

A ratchet turns one way: a run that is better tightens a bound, one that is worse leaves it alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct, field, structs

from harness.errors import ConfigError, MeasurementInvalid
from harness.gates.evidence import Evidence
from harness.gates.series import Series, series_of
from harness.gates.suite import BoundsCheck, Experiment
from harness.stats.bounds import upper_tolerance_limit
from harness.stats.environment import environment_of
from harness.stats.metrics import REDUCTION
from harness.store.baseline import Bound

_WHOLE = ("byte", "count")


class Proposal(Struct, frozen=True, kw_only=True):
    """The upper bound that a run proposes for one check of one experiment.

    `observed` is the largest value of all cases, `replicates` the fewest of any. The bound is
    `margin_pct` above what was observed.
    """

    experiment: str
    check: str
    series: str
    unit: str
    observed: float
    margin_pct: float
    upper_bound: float
    replicates: int


def propose(evidence: Evidence) -> list[Proposal]:
    """Return a bound for each check of the suite that has none written down.

    The margin is that of the tolerance interval: with 95 % confidence 99 % of further replicates
    keep to the bound. Values without spread have an interval of no width, and a bound right above
    them would fail a change that the comparison calls clean; so the margin is never less than the
    experiment's tolerance, nor than the grain of what was searched.

    Raises:
        MeasurementInvalid: There is nothing to be proposed, or a value cannot carry a bound.
    """
    proposals = [
        _propose(evidence, experiment, check)
        for experiment in evidence.suite.experiments
        for check in experiment.checks
        if check.bounds.ratcheted
    ]
    if not proposals:
        raise MeasurementInvalid(
            f"suite {evidence.suite.name} has no check to ratchet: each has its bound written down",
            remedy="leave out upper_bound and lower_bound of a check that is to be ratcheted",
        )
    return proposals


def _propose(evidence: Evidence, experiment: Experiment, check: BoundsCheck) -> Proposal:
    what = f"{experiment.name}, check {check.name}"
    if check.bounds.series == REDUCTION:
        raise MeasurementInvalid(
            f"{what}: of {REDUCTION} more is better, and only upper bounds are ratcheted",
            remedy="write its lower_bound into the suite",
        )
    found = [
        series_of(evidence, experiment, case, check.bounds.series)
        for case in evidence.iter_cases(experiment)
    ]
    faults = [fault for series in found for fault in series.faults]
    measured = [series for series in found if series.values]
    if faults or not measured:
        untested = (series.untested for series in found if series.untested)
        reason = "; ".join(faults) or next(untested, "no binary of the suite was measured")
        raise MeasurementInvalid(f"{what}: {reason}", remedy="measure the whole suite first")
    grain = evidence.candidate.metrics[check.bounds.series].grain
    try:
        limit = max(
            max(upper_tolerance_limit(series.values), max(series.values) + grain)
            for series in measured
        )
    except MeasurementInvalid as error:
        raise MeasurementInvalid(f"{what}: {error.message}", remedy=error.remedy) from error
    return _with_margin(experiment, check, measured, limit)


def _with_margin(
    experiment: Experiment, check: BoundsCheck, measured: Sequence[Series], limit: float
) -> Proposal:
    observed = max(value for series in measured for value in series.values)
    bound = max(limit, observed * (1 + experiment.tolerance / 100))
    unit = measured[0].unit
    upper_bound = float(math.ceil(bound)) if unit in _WHOLE else bound
    return Proposal(
        experiment=experiment.name,
        check=check.name,
        series=check.bounds.series,
        unit=unit,
        observed=observed,
        margin_pct=100 * (upper_bound / observed - 1),
        upper_bound=upper_bound,
        replicates=min(len(series.values) for series in measured),
    )


class BoundChange(StrEnum):
    """What becomes of a bound."""

    NEW = "new"
    TIGHTENED = "tightened"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    LOOSENED = "loosened"
    REPLACED = "replaced"


class Decision(Struct, frozen=True):
    """What a proposal does to the bound that stands. `why` says why it does nothing."""

    proposal: Proposal
    standing: float | None
    change: BoundChange = field(name="turn")
    why: str = ""

    @property
    def takes_effect(self) -> bool:
        """Whether the proposed bound is the one from now on."""
        return self.change not in (BoundChange.KEPT, BoundChange.UNCHANGED)


def ratchet(
    evidence: Evidence, *, loosen: bool = False
) -> tuple[list[Decision], tuple[Bound, ...]]:
    """Propose a bound for each check that has none written down, and decide on each.

    Returns:
        What each proposal does, and all bounds as they are afterwards, in order.

    Raises:
        MeasurementInvalid: There is nothing to be proposed, or a value cannot carry a bound.
        ConfigError: A check of another suite has a bound under the same name.
    """
    known = {(bound.experiment, bound.check): bound for bound in evidence.bounds}
    decisions = []
    for proposal in propose(evidence):
        key = (proposal.experiment, proposal.check)
        old = known.get(key)
        if old is not None and old.suite != evidence.suite.name:
            raise ConfigError(
                f"check {key[1]!r} of {key[0]!r} has a bound already, by suite {old.suite!r}",
                remedy="give the experiment another name in one of the two suites",
            )
        elsewhere = evidence.objection(old, proposal.series) if old else ""
        standing = old.upper_bound if old else None
        decision = decide(proposal, standing, elsewhere=elsewhere, loosen=loosen)
        if decision.takes_effect:
            known[key] = _bound(proposal, evidence)
        decisions.append(decision)
    return decisions, tuple(known[key] for key in sorted(known))


def _bound(proposal: Proposal, evidence: Evidence) -> Bound:
    manifest, proposed = evidence.candidate.manifest, structs.asdict(proposal)
    del proposed["unit"]  # that of the series
    return Bound(
        **proposed,
        suite=evidence.suite.name,
        run=manifest.run_id,
        environment=environment_of(proposal.series, manifest),
    )


def decide(
    proposal: Proposal, standing: float | None, *, elsewhere: str = "", loosen: bool = False
) -> Decision:
    """Tighten, keep, or, when asked to, loosen.

    `elsewhere` says what the values of the run depend on differently from those of the standing
    bound; then neither is tighter than the other.
    """
    if standing is None:
        return Decision(proposal, None, BoundChange.NEW)
    if elsewhere:
        change = BoundChange.REPLACED if loosen else BoundChange.KEPT
        return Decision(proposal, standing, change, "" if loosen else f"it is for {elsewhere}")
    if proposal.upper_bound == standing:
        return Decision(proposal, standing, BoundChange.UNCHANGED)
    if proposal.upper_bound < standing:
        return Decision(proposal, standing, BoundChange.TIGHTENED)
    if loosen:
        return Decision(proposal, standing, BoundChange.LOOSENED)
    beyond = proposal.observed > standing
    why = "this run exceeds it" if beyond else "the proposal is looser"
    return Decision(proposal, standing, BoundChange.KEPT, why)
