"""Turn what was found into rows of the verdict, every one with the command that repeats it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from harness.gates.evidence import Evidence
from harness.gates.series import Series
from harness.gates.suite import Experiment, ReportLink
from harness.stats.bounds import BoundResult, check_lower, check_upper
from harness.stats.change import coefficient_of_variation, permutation_p
from harness.stats.compare import Comparison
from harness.stats.inventory import Sample
from harness.stats.verdict import BoundRow, Case, ExperimentRow, Fault, Link, Outcome

Permutation = Callable[[tuple[float, ...], tuple[float, ...]], float | None]


def experiment_row(
    comparison: Comparison,
    case: Case,
    *,
    gate: bool = False,
    links: tuple[ReportLink, ...] = (),
    repeat_command: str = "",
) -> ExperimentRow:
    """Return one comparison as a row; the permutation test, which is slow, only where it tells."""
    old, new = comparison.baseline, comparison.candidate
    change, rule = comparison.change, comparison.rule
    noisy = change is not None and not change.exact and old is not None and new is not None
    return ExperimentRow(
        case=case,
        metric=comparison.key.metric,
        unit=next((side.unit for side in (new, old) if side is not None), ""),
        goal="more" if rule.higher_is_better else "less",
        tolerance_pct=rule.tolerance_pct,
        erratic=rule.erratic,
        gate=gate,
        state=comparison.state,
        delta_pct=finite(change.delta_pct) if change else None,
        low_pct=finite(change.low_pct) if change else None,
        high_pct=finite(change.high_pct) if change else None,
        exact=change is not None and change.exact,
        baseline_mean=_mean(old),
        candidate_mean=_mean(new),
        baseline_replicates=len(old.numbers) if old else 0,
        candidate_replicates=len(new.numbers) if new else 0,
        varies_pct=_varies_pct(old, new),
        p_value=change.p_value if change else None,
        permutation_p=permutation_p(old.numbers, new.numbers) if noisy and old and new else None,
        q_value=comparison.q_value,
        detectable_pct=comparison.detectable_pct,
        replicates_needed=comparison.replicates_needed,
        faults=list(comparison.faults),
        remarks=list(comparison.remarks),
        links=links_of(links),
        repeat_command=repeat_command,
    )


def bound_row(  # noqa: PLR0913  the parts of one row
    evidence: Evidence,
    experiment: Experiment,
    case: Case,
    series: Series,
    *,
    check: str,
    judged_by: str,
    name: str,
    upper_bound: float | None = None,
    lower_bound: float | None = None,
    margin_pct: float | None = None,
    objection: str = "",
) -> BoundRow:
    """Hold a series against one bound; `objection` says why there is none to hold it against."""
    faults = [*series.faults, *([objection] if objection else [])]
    result = _check(series, upper_bound, lower_bound)
    if faults or (not series.untested and not result.replicates):
        outcome, detail = Outcome.INVALID, "; ".join(faults) or "no value"
    elif series.untested:
        outcome, detail = Outcome.NOT_ASKED, series.untested
    else:
        outcome = Outcome.PASS if result.holds else Outcome.FAIL
        detail = series.context
    judged = outcome in {Outcome.PASS, Outcome.FAIL}
    return BoundRow(
        case=case,
        check=check,
        judged_by=judged_by,
        series=name,
        unit=series.unit,
        gate=experiment.gate,
        outcome=outcome,
        upper_bound=upper_bound,
        lower_bound=lower_bound,
        observed=finite(result.observed) if judged else None,
        headroom_pct=finite(result.headroom_pct) if judged else None,
        replicates_passed=result.passed if judged else 0,
        replicates=result.replicates,
        margin_pct=margin_pct,
        detail=detail,
        links=links_of(experiment.report_links),
        repeat_command=evidence.repeat(experiment, case, name),
    )


def never_tested(experiment: Experiment, check: str, rows: Sequence[BoundRow]) -> list[Fault]:
    """Return the fault of a bound that no case came near: passing it would mean nothing."""
    if not all(row.outcome is Outcome.NOT_ASKED for row in rows):
        return []
    reason = "no case put it to the test; lower the threshold or choose larger binaries"
    return [Fault(what=f"{experiment.name}: {check}", reason=reason)]


def links_of(links: tuple[ReportLink, ...]) -> list[Link]:
    """Return the links of an experiment as the verdict has them."""
    return [Link(text=one.text, link=one.link) for one in links]


def finite(number: float) -> float | None:
    """Return a number that JSON can hold, or None."""
    return number if math.isfinite(number) else None


def _check(series: Series, upper_bound: float | None, lower_bound: float | None) -> BoundResult:
    """Check against both bounds when both are given; the one with less room is reported."""
    found = []
    if upper_bound is not None:
        found.append(check_upper(series.values, upper_bound))
    if lower_bound is not None:
        found.append(check_lower(series.values, lower_bound))
    if not found:
        return BoundResult(0, 0, math.nan, math.nan)
    return min(found, key=lambda result: (result.holds, result.headroom_pct))


def _mean(sample: Sample | None) -> float | None:
    if sample is None or not sample.numbers:
        return None
    return finite(math.fsum(sample.numbers) / len(sample.numbers))


def _varies_pct(*samples: Sample | None) -> float | None:
    found = [100 * coefficient_of_variation(one.numbers) for one in samples if one and one.numbers]
    return finite(max(found)) if found else None
