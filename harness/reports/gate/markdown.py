"""report.md and decision.md: the verdict first, then the reference's sections in its order."""

from __future__ import annotations

from jinja2 import Environment

from harness.reports.gate import cells
from harness.reports.markdown import markdown_environment
from harness.stats.check import Comparison, Link, Outcome
from harness.stats.labels import shorten
from harness.stats.verdict import Verdict
from harness.tables import Markdown, code, plain

_DETAIL_WIDTH = 300
_MOST_FAULTS = 20


def render_verdict(verdict: Verdict, description: str = "") -> str:
    """Return report.md.

    Args:
        verdict: What was decided, and on what.
        description: What the suite says of itself.
    """
    ignored = [row for row in verdict.experiments if row.erratic]
    return (
        _environment()
        .get_template("gate/report.md.j2")
        .render(
            verdict=verdict,
            description=description,
            answer=cells.ANSWERS[verdict.decision],
            significant=[row for row in verdict.experiments if _is_significant(row)],
            ignored=ignored,
            details=sorted((row for row in verdict.experiments if not row.erratic), key=_by_change),
            bounds=sorted(verdict.bounds, key=cells.by_gravity),
            summaries=cells.bound_summaries(verdict.bounds),
            guards=[row for row in verdict.bounds if row.gate],
            guarded=[row for row in verdict.experiments if row.gate],
            faults=verdict.faults[:_MOST_FAULTS],
            more_faults=len(verdict.faults) - _MOST_FAULTS,
            repeats=list(dict.fromkeys(_repeats(verdict))),
        )
    )


def render_decision(verdict: Verdict) -> str:
    """Return decision.md: what a job or a comment shows when there is room for little."""
    template = _environment().get_template("gate/decision.md.j2")
    return template.render(verdict=verdict, answer=cells.ANSWERS[verdict.decision])


def _environment() -> Environment:
    environment = markdown_environment()
    environment.filters.update(
        mark=lambda outcome: Markdown(cells.MARKS[outcome]),
        case=lambda case: code(shorten(cells.case_name(case), 120)),
        detail=lambda text: plain(shorten(text, _DETAIL_WIDTH)),
        links=_links,
    )
    environment.globals.update(
        change=lambda row: plain(cells.change_cell(row)),
        interval=lambda row: plain(cells.interval_cell(row)),
        chance=lambda row: plain(cells.chance_cell(row)),
        trials=lambda row: plain(cells.trials_cell(row)),
        outcome=lambda row: plain(shorten(cells.outcome_cell(row), _DETAIL_WIDTH)),
        bound=lambda row: plain(cells.bound_cell(row)),
        observed=lambda row: plain(cells.observed_cell(row)),
        passed=lambda row: plain(cells.passed_cell(row)),
        sizes=lambda row: plain(cells.file_size_cell(row)),
        files_headline=lambda found: plain(cells.files_headline(found)),
    )
    return environment


def _is_significant(row: Comparison) -> bool:
    return row.outcome in {Outcome.REGRESSED, Outcome.IMPROVED} and not row.erratic


def _by_change(row: Comparison) -> tuple[bool, float]:
    """Sort the largest change first; what has none comes before all, so that nobody misses it."""
    return (row.delta_pct is not None, -(row.delta_pct or 0.0))


def _repeats(verdict: Verdict) -> list[str]:
    """Return the commands that measure again whatever is not a pass."""
    return [
        row.repeat_command
        for row in (*verdict.experiments, *verdict.bounds)
        if row.repeat_command and not row.outcome.passes and row.outcome is not Outcome.NOT_ASKED
    ]


def _links(links: list[Link]) -> Markdown:
    """Return links: addresses were checked when the suite was read, texts are escaped here."""
    return Markdown(", ".join(f"[{plain(one.text)}](<{one.link}>)" for one in links))
