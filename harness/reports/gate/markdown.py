"""report.md and decision.md: the verdict first, then the reference's sections in its order."""

from __future__ import annotations

from collections.abc import Sized

from jinja2 import Environment

from harness.reports.beside import line_columns
from harness.reports.gate import cells, columns
from harness.reports.markdown import markdown_environment
from harness.stats.check import Comparison, Outcome
from harness.stats.labels import Markdown
from harness.stats.verdict import Verdict
from harness.tables import markdown_table, pick

_MOST_FAULTS = 20
_CHANGED = {Outcome.REGRESSED, Outcome.IMPROVED}


def render_verdict(verdict: Verdict, description: str = "") -> str:
    """Return report.md; `description` is what the suite says of itself."""
    ignored = [row for row in verdict.experiments if row.erratic]
    return (
        _environment()
        .get_template("gate/report.md.j2")
        .render(
            verdict=verdict,
            description=description,
            answer=cells.ANSWERS[verdict.decision],
            significant=cells.gravest(
                [row for row in verdict.experiments if row.outcome in _CHANGED and not row.erratic]
            ),
            ignored=ignored,
            grown=_grown(verdict)[:_MOST_FAULTS],
            most=cells.MOST_ROWS,
            details=sorted((row for row in verdict.experiments if not row.erratic), key=_by_change),
            bounds=sorted(verdict.bounds, key=cells.by_gravity),
            summaries=cells.bound_summaries(verdict.bounds),
            guards=cells.gravest([row for row in verdict.bounds if row.gate]),
            guarded=cells.gravest([row for row in verdict.experiments if row.gate]),
            faults=verdict.faults[:_MOST_FAULTS],
            more_faults=len(verdict.faults) - _MOST_FAULTS,
            repeats=list(dict.fromkeys(_repeats(verdict))),
        )
    )


def render_decision(verdict: Verdict) -> str:
    """Return decision.md: what a job or a comment shows when there is room for little."""
    template = _environment().get_template("gate/decision.md.j2")
    return template.render(
        verdict=verdict,
        answer=cells.ANSWERS[verdict.decision],
        grown=_grown(verdict)[:_MOST_FAULTS],
    )


def _environment() -> Environment:
    environment = markdown_environment()
    environment.filters.update(mark=columns.mark, case=columns.case_code, detail=columns.detail)
    environment.globals.update(
        table=markdown_table,
        significant_columns=pick(columns.COMPARISONS, columns.MARKDOWN_CHANGED),
        detail_columns=pick(columns.COMPARISONS, columns.MARKDOWN),
        bound_columns=pick(columns.BOUNDS, columns.MARKDOWN_BOUNDS),
        gate_columns=pick(columns.GATES, columns.GATES_SHORT),
        grown_columns=line_columns(("baseline", "candidate")),
        cells=cells,
        columns=columns,
        more=_more,
    )
    return environment


def _more(rows: Sized) -> Markdown:
    """Return how many rows are not listed; nothing where all are."""
    left_out = len(rows) - cells.MOST_ROWS
    return Markdown(f"\n\nAnd {left_out} more, in report.json." if left_out > 0 else "")


def _grown(verdict: Verdict) -> list[Comparison]:
    """Return the regressions of which it is known what holds more."""
    return [row for row in verdict.experiments if row.lines]


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
