"""report.md and decision.md: the verdict first, then the reference's sections in its order."""

from __future__ import annotations

from jinja2 import Environment

from harness.reports.gate import words
from harness.reports.markdown import markdown_environment
from harness.stats.compare import State
from harness.stats.labels import shorten
from harness.stats.verdict import BoundRow, ExperimentRow, Link, Outcome, Verdict
from harness.tables import Markdown, code, plain

_GRAVE = {State.REGRESSED, State.INCONCLUSIVE, State.INVALID}
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
            answer=words.ANSWERS[verdict.decision],
            significant=[row for row in verdict.experiments if _is_significant(row)],
            ignored=ignored,
            details=sorted((row for row in verdict.experiments if not row.erratic), key=_by_change),
            bounds=sorted(verdict.bounds, key=words.by_gravity),
            summaries=words.bound_summaries(verdict.bounds),
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
    return template.render(verdict=verdict, answer=words.ANSWERS[verdict.decision])


def _environment() -> Environment:
    environment = markdown_environment()
    environment.filters.update(
        mark=lambda state: Markdown(words.MARKS[state]),
        case=lambda case: code(shorten(words.case_name(case), 120)),
        detail=lambda text: plain(shorten(text, _DETAIL_WIDTH)),
        links=_links,
    )
    environment.globals.update(
        change=lambda row: plain(words.change_cell(row)),
        interval=lambda row: plain(words.interval_cell(row)),
        chance=lambda row: plain(words.chance_cell(row)),
        trials=lambda row: plain(words.trials_cell(row)),
        state=lambda row: plain(shorten(words.state_words(row), _DETAIL_WIDTH)),
        bound=lambda row: plain(words.bound_cell(row)),
        observed=lambda row: plain(words.observed_cell(row)),
        passed=lambda row: plain(words.passed_cell(row)),
        sizes=lambda row: plain(words.file_size_cell(row)),
        inventory_headline=lambda found: plain(words.inventory_headline(found)),
    )
    return environment


def _is_significant(row: ExperimentRow) -> bool:
    return row.state in {State.REGRESSED, State.IMPROVED} and not row.erratic


def _by_change(row: ExperimentRow) -> tuple[bool, float]:
    """Sort the largest change first; what has none comes before all, so that nobody misses it."""
    return (row.delta_pct is not None, -(row.delta_pct or 0.0))


def _repeats(verdict: Verdict) -> list[str]:
    """Return the commands that measure again whatever is not a pass."""
    rows: list[ExperimentRow | BoundRow] = [
        *(row for row in verdict.experiments if row.state in _GRAVE),
        *(row for row in verdict.bounds if row.outcome not in {Outcome.PASS, Outcome.NOT_ASKED}),
    ]
    return [row.repeat_command for row in rows if row.repeat_command]


def _links(links: list[Link]) -> Markdown:
    """Return links: addresses were checked when the suite was read, texts are escaped here."""
    return Markdown(", ".join(f"[{plain(one.text)}](<{one.link}>)" for one in links))
