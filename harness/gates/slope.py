"""Does peak heap grow with the size of the input? A streaming pipeline's does not."""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness.errors import MeasurementInvalid
from harness.gates.evidence import Evidence
from harness.gates.series import series_of
from harness.gates.suite import PEAK, Experiment, SlopeBound
from harness.stats.bounds import share
from harness.stats.change import finite
from harness.stats.check import BoundCheck, Case, Check, Outcome
from harness.stats.slope import Slope, fit_slope, rests_on, slope_without

_NAME = "slope"


def judge(evidence: Evidence) -> list[Check]:
    """Fit a line through the peaks of each source and arm over the experiment's binaries.

    It holds when all of its 90 % interval is within the bound, and fails when none of it is. Where
    it would not without a single one of the binaries, it is inconclusive.
    """
    return [
        _check(evidence, experiment, experiment.slope, cases)
        for experiment in evidence.suite.experiments
        if experiment.slope is not None
        for cases in _by_source_and_arm(evidence, experiment)
    ]


def _by_source_and_arm(evidence: Evidence, experiment: Experiment) -> Iterator[list[Case]]:
    cases = list(evidence.iter_cases(experiment))
    for source in experiment.source:
        for arm in experiment.arm:
            yield [case for case in cases if (case.source, case.arm) == (source, arm)]


def _check(
    evidence: Evidence, experiment: Experiment, bound: SlopeBound, cases: list[Case]
) -> BoundCheck:
    outcome, observed, detail = _judged(evidence, experiment, bound, cases)
    whole = Case(
        experiment=experiment.name,
        binary=", ".join(experiment.binary),
        source=cases[0].source if cases else "",
        arm=cases[0].arm if cases else "",
    )
    passed = len(cases) if outcome is Outcome.PASS else 0
    room = None if observed is None else bound.upper_bound - observed
    return BoundCheck(
        case=whole,
        check=_NAME,
        judged_by=_NAME,
        series=f"{PEAK} per {bound.per.removesuffix('s')}",
        unit="byte",
        gate=experiment.gate,
        outcome=outcome,
        upper_bound=bound.upper_bound,
        observed=observed,
        headroom_pct=None if room is None else finite(share(room, bound.upper_bound)),
        replicates_passed=passed,
        replicates=len(cases),
        detail=detail,
        links=experiment.links,
        repeat_command=evidence.candidate.manifest.command,
    )


def _judged(
    evidence: Evidence, experiment: Experiment, bound: SlopeBound, cases: list[Case]
) -> tuple[Outcome, float | None, str]:
    sizes: list[float] = []
    peaks: list[float] = []
    for case in cases:
        series = series_of(evidence, experiment, case, PEAK)
        size = _size(evidence, case, bound.per)
        if series.faults or size is None:
            reason = "; ".join(series.faults) or f"the number of {bound.per} is not known"
            return Outcome.INVALID, None, f"{case.binary}: {reason}"
        sizes.append(size)
        peaks.append(sum(series.values) / len(series.values))
    try:
        slope, alone = fit_slope(sizes, peaks), rests_on(sizes, peaks)
    except MeasurementInvalid as error:
        return Outcome.INVALID, None, str(error)
    outcome, says = _outcome(slope, bound.upper_bound), _says(slope, bound.per)
    if alone is not None and _turns(slope, slope_without(sizes, peaks, alone), bound.upper_bound):
        outcome = Outcome.INCONCLUSIVE
        says += f"; it rests on {cases[alone].binary} alone: measure more binaries of its size"
    return outcome, finite(slope.per_unit), says


def _turns(slope: Slope, without: float, upper_bound: float) -> bool:
    """Return whether the slope without one binary is on the other side of the bound, or nowhere."""
    return not math.isfinite(without) or (without > upper_bound) != (slope.per_unit > upper_bound)


def _outcome(slope: Slope, upper_bound: float) -> Outcome:
    if slope.high <= upper_bound:
        return Outcome.PASS
    return Outcome.FAIL if slope.low > upper_bound else Outcome.INCONCLUSIVE


def _says(slope: Slope, per: str) -> str:
    interval = f"90 % interval {slope.low:+.1f} to {slope.high:+.1f} bytes per {per[:-1]}"
    return f"{interval}, {slope.points} binaries, R2 {slope.r_squared:.2f}"


def _size(evidence: Evidence, case: Case, per: str) -> float | None:
    delivered = evidence.candidate.of_case("deliveries", case.binary, case.source)
    good = delivered[(delivered["arm"] == case.arm) & (delivered["status"] == "ok")]
    sizes = {float(size) for size in good[per]}
    return sizes.pop() if len(sizes) == 1 else None
