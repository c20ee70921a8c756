"""The columns of every table of a verdict, for a terminal, Markdown and the page alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from markupsafe import Markup
from msgspec.structs import replace

from harness.reports.gate import cells
from harness.stats.check import BoundCheck, Case, Comparison, Link, Outcome, Precondition
from harness.stats.labels import Markdown, code, inert, plain, shorten
from harness.stats.verdict import FileChange, GateSummary
from harness.tables import NOTHING, Column, turn
from harness.units import format_value

T = TypeVar("T")

# Which columns each place shows, in its order.
TERMINAL = "binary arm change interval trials state"
GATES_SHORT = "gate state detail"
_CHANGE = "perf experiment goal change interval trials"
MARKDOWN_CHANGED = f"{_CHANGE} links"
MARKDOWN = f"{_CHANGE} chance state remarks links"
MARKDOWN_BOUNDS = "perf experiment check bound passed observed detail links"
PAGE = "state experiment goal change interval trials baseline candidate remarks repeat"
PAGE_BOUNDS = "state experiment check observed bound passed detail repeat"
PAGE_GATES = "gate state guards detail repeat"

_DETAIL_WIDTH = 300


_CASE_WIDTH = 120

_BADGES = {
    Outcome.FAIL: "fails",
    Outcome.REGRESSED: "fails",
    Outcome.PASS: "holds",
    Outcome.CLEAN: "holds",
    Outcome.IMPROVED: "holds",
}


def _badge(outcome: Outcome, says: str) -> Markup:
    """Return an outcome as a page shows it, and what else is said of it."""
    return Markup(
        '<span class="badge {}"><span class="glyph" aria-hidden="true"></span>{}</span>{}'
    ).format(_BADGES.get(outcome, "unknown"), outcome, inert(says.removeprefix(str(outcome))))


def mark(outcome: Outcome) -> Markdown:
    """Return the sign of an outcome."""
    return Markdown(cells.MARKS[outcome])


def case_code(case: Case) -> Markdown:
    """Return the name of a case as code of bounded length."""
    return code(shorten(cells.case_name(case), _CASE_WIDTH))


def detail(text: str) -> Markdown:
    """Return a cause, which may be of any length and origin, as plain Markdown."""
    return plain(shorten(text, _DETAIL_WIDTH))


def _links(links: list[Link]) -> Markdown:
    """Return links: addresses were checked when the suite was read, texts are escaped here."""
    return Markdown(", ".join(f"[{plain(one.text)}](<{one.link}>)" for one in links))


def _detail_column(key: str, header: str, cell: Callable[[T], str]) -> Column[T]:
    return Column(key, cell, header=header, markdown=lambda row: detail(cell(row)), css="reason")


def _mean_column(side: str) -> Column[Comparison]:
    def cell(row: Comparison) -> str:
        value: float | None = getattr(row, f"{side}_mean")
        return NOTHING if value is None else format_value(value, row.unit)

    return Column(side, cell, kind="number")


_PERF: Column[Any] = Column(
    "perf",
    lambda row: cells.MARKS[row.outcome],
    markdown=lambda row: mark(row.outcome),
    align="center",
)

_EXPERIMENT: Column[Any] = Column(
    "experiment", lambda row: cells.case_name(row.case), markdown=lambda row: case_code(row.case)
)

_STATE: Column[Any] = Column(
    "state",
    lambda row: str(row.outcome),
    markdown=lambda row: Markdown(f"{mark(row.outcome)} {plain(str(row.outcome))}"),
    html=lambda row: _badge(row.outcome, ""),
    style=lambda row: cells.style_of(row.outcome),
)

_REPEAT: Column[Any] = Column(
    "repeat",
    lambda row: row.repeat_command,
    header="to repeat",
    html=lambda row: Markup("<code>{}</code>").format(inert(row.repeat_command)),
    css="long",
)

_LINKS: Column[Any] = Column("links", lambda _: "", markdown=lambda row: _links(row.links))

COMPARISONS: list[Column[Comparison]] = [
    _PERF,
    _EXPERIMENT,
    Column("binary", lambda row: row.case.binary, kind="name"),
    Column("arm", lambda row: row.case.arm, kind="name", most=10),
    Column("goal", lambda row: f"{row.metric}, {row.goal}"),
    Column(
        "change",
        lambda row: cells.change_cell(row).removesuffix(" %"),
        kind="number",
        header="Δ mean %",
        markdown=lambda row: plain(cells.change_cell(row)),
    ),
    Column("interval", cells.interval_cell, kind="number", header="90 % CI", long="Δ mean % CI"),
    Column("trials", cells.trials_cell, kind="number", header="n", long="trials"),
    Column("chance", cells.chance_cell, header="by chance"),
    _mean_column("baseline"),
    _mean_column("candidate"),
    replace(
        _STATE,
        markdown=lambda row: detail(cells.outcome_cell(row)),
        html=lambda row: _badge(row.outcome, cells.outcome_cell(row)),
        style=lambda row: cells.style_of(row.outcome, ""),
    ),
    _detail_column("remarks", "remarks", lambda row: "; ".join(row.remarks)),
    _REPEAT,
    _LINKS,
]

BOUNDS: list[Column[BoundCheck]] = [
    _PERF,
    _EXPERIMENT,
    Column("check", lambda row: row.check, header="bounds_check_name", head=True),
    Column("bound", cells.bound_cell),
    Column("passed", cells.passed_cell, kind="number", header="replicates_passed"),
    Column("observed", cells.observed_cell, header="observed_value"),
    _STATE,
    _detail_column("detail", "what bears on it", lambda row: row.detail),
    _REPEAT,
    _LINKS,
]

GATES: list[Column[GateSummary]] = [
    Column("gate", lambda one: one.name, kind="name", head=True),
    _STATE,
    Column("guards", lambda one: "yes" if one.gate else "no", header="can fail the job"),
    _detail_column("detail", "what it found", lambda one: one.detail),
    _REPEAT,
]

FAULTS: list[Column[Precondition]] = [
    _detail_column("what", "what", lambda one: one.what),
    _detail_column("why", "why", lambda one: one.reason),
]

FILES: list[Column[FileChange]] = [
    Column("file", lambda one: one.path, kind="name", head=True),
    Column("change", lambda one: one.change),
    Column("size", cells.file_size_cell),
    Column("mode", lambda one: turn(one.before_mode or NOTHING, one.after_mode or NOTHING)),
]
