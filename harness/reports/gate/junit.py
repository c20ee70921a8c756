"""junit.xml: what CI services list as tests. What could not be judged is an error, no failure."""

from __future__ import annotations

from io import BytesIO

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from harness.reports.gate import cells
from harness.stats.check import BoundCheck, Comparison, Outcome, Precondition
from harness.stats.labels import inert
from harness.stats.verdict import Verdict


def render_junit(verdict: Verdict) -> bytes:
    """Return the verdict as JUnit XML, a test case per row; names can hold nothing that acts.

    The first case is the decision: it says so where every row is fine, and that is no pass.
    """
    suite = TestSuite(inert(f"harness gate {verdict.suite}"))
    suite.add_testcases(
        [
            _decision(verdict),
            *map(_comparison, verdict.experiments),
            *map(_bound, verdict.bounds),
            *map(_fault, verdict.faults),
        ]
    )
    document = JUnitXml()
    document.add_testsuite(suite)
    file = BytesIO()
    document.write(file, pretty=True)
    return file.getvalue()


def _decision(verdict: Verdict) -> TestCase:
    says = "; ".join([cells.ANSWERS[verdict.decision], *verdict.reasons])
    return _case("decision", "decision", verdict.decision, True, says, verdict.command)


def _comparison(row: Comparison) -> TestCase:
    says = f"{cells.change_cell(row)} ({cells.interval_cell(row)}): {cells.outcome_cell(row)}"
    name = f"{cells.case_name(row.case)}, {row.metric}"
    return _case("regression", name, row.outcome.decision, row.gate, says, row.repeat_command)


def _bound(row: BoundCheck) -> TestCase:
    says = f"{cells.observed_cell(row)}, bound {cells.bound_cell(row)}: {row.detail}"
    name = f"{cells.case_name(row.case)}, {row.check}"
    return _case(row.judged_by, name, row.outcome, row.gate, says, row.repeat_command)


def _fault(row: Precondition) -> TestCase:
    return _case("inventory", row.what, row.outcome, row.gate, row.reason, row.repeat_command)


def _case(  # noqa: PLR0913, PLR0917  the parts of one test case
    gate: str, name: str, outcome: Outcome, guards: bool, says: str, repeat_command: str
) -> TestCase:
    """Return a test case: what guards nothing is skipped rather than failed."""
    case = TestCase(inert(name), classname=inert(f"harness.gate.{gate}"))
    message = inert(says)
    if outcome is Outcome.INVALID or (guards and outcome is Outcome.INCONCLUSIVE):
        case.result = [Error(message, type_=str(outcome))]
    elif guards and outcome is Outcome.FAIL:
        case.result = [Failure(message, type_=str(outcome))]
    elif outcome is not Outcome.PASS:
        case.result = [Skipped(f"{outcome}, guards nothing: {message}")]
    if outcome is not Outcome.PASS and repeat_command:
        case.system_out = inert(f"to repeat: {repeat_command}")
    return case
