"""What each cell of a verdict says, in Markdown and in the terminal alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, TypeVar

from markupsafe import Markup
from msgspec.structs import replace

from harness.stats.check import BoundCheck, Case, Comparison, Link, Outcome, Precondition
from harness.stats.growth import LineChange
from harness.stats.labels import Markdown, code, inert, plain, shorten
from harness.stats.verdict import FileChange, FileChanges, GateSummary
from harness.tables import NOTHING, Column, turn
from harness.text import counted, listed
from harness.units import format_bytes, format_value

T = TypeVar("T")

_DETAIL_WIDTH = 300
_CASE_WIDTH = 120
_MOST_NAMES = 20
MOST_ROWS = 100
"""Of each table in a document: a summary of a CI job may have 1 MiB in all."""
MARKS = {
    Outcome.INVALID: "⚠️",
    Outcome.FAIL: "❌",
    Outcome.REGRESSED: "❌",
    Outcome.INCONCLUSIVE: "❔",
    Outcome.PASS: "✅",
    Outcome.CLEAN: "\N{HEAVY MINUS SIGN}",
    Outcome.IMPROVED: "✅",
    Outcome.NOT_ASKED: "\N{HEAVY MINUS SIGN}",
}
_KEPT = {
    Outcome.PASS: "holds for",
    Outcome.FAIL: "is broken by",
    Outcome.INCONCLUSIVE: "is inconclusive for",
    Outcome.INVALID: "cannot be checked for",
    Outcome.NOT_ASKED: "was not put to the test by",
}
_STYLES = {
    Outcome.INVALID: "magenta",
    Outcome.FAIL: "red",
    Outcome.REGRESSED: "red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.PASS: "green",
    Outcome.IMPROVED: "green",
}
ANSWERS = {
    Outcome.PASS: "Passed: everything that guards the job was measured and holds.",
    Outcome.FAIL: "Failed: something that guards the job got worse or broke its bound.",
    Outcome.INCONCLUSIVE: "Inconclusive: too much noise to tell. This is no pass.",
    Outcome.INVALID: "Invalid: no verdict can be given. This is neither a pass nor a regression.",
}


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


def style_of(outcome: Outcome, other: str = "dim") -> str:
    """Return the style of an outcome in a terminal, `other` for one that needs no attention."""
    return _STYLES.get(outcome, other)


def grown_line(line: LineChange) -> str:
    """Return a line that holds more: `export.py:12 encode +1.7 MiB (data = text.encode())`."""
    grown = f"{line.location} {format_bytes(line.grown_bytes, signed=True)}"
    return f"{grown} ({line.code})" if line.code else grown


def case_name(case: Case) -> str:
    """Return the name of a case: `quality_gate: libelf, replay, streaming`."""
    return f"{case.experiment}: {case.binary}, {case.source}, {case.arm}"


def change_cell(row: Comparison) -> str:
    """Return the change of the mean; what is not known is a dash, never a number."""
    if row.delta_pct is not None:
        return f"{row.delta_pct:+.2f} %"
    appeared = row.exact and row.baseline_mean == 0
    return "from nothing" if appeared else NOTHING


def interval_cell(row: Comparison) -> str:
    """Return the 90 % interval, or `exact` where there is nothing to estimate."""
    if row.exact:
        return "exact"
    if row.low_pct is None or row.high_pct is None:
        return NOTHING
    return f"{row.low_pct:+.2f} to {row.high_pct:+.2f}"


def chance_cell(row: Comparison) -> str:
    """Return how likely chance alone is: the q-value, and a p-value that rests on no distribution.

    Exact changes have neither.
    """
    known = {"q": row.q_value, "permutation p": row.permutation_p}
    shown = [f"{name} {value:.3f}" for name, value in known.items() if value is not None]
    return ", ".join(shown) or NOTHING


def trials_cell(row: Comparison) -> str:
    """Return the replicates of both sides, once when they agree."""
    old, new = row.baseline_replicates, row.candidate_replicates
    return str(new) if old == new else turn(str(old), str(new))


def outcome_cell(row: Comparison) -> str:
    """Return the outcome, and what an inconclusive one would need."""
    if row.outcome is not Outcome.INCONCLUSIVE:
        return "; ".join([row.outcome, *row.faults])
    known = []
    if row.detectable_pct is not None:
        known.append(f"a change of {row.detectable_pct:.1f} % would have been seen")
    if row.replicates_needed is not None:
        known.append(f"{row.replicates_needed} replicates a side would settle it")
    return "; ".join([row.outcome, *(known or ["too few replicates to know the noise"])])


def by_gravity(row: BoundCheck) -> tuple[int, Case, str]:
    """Return what bounds checks are sorted by: what somebody has to look at comes first."""
    return (row.outcome.rank, row.case, row.check)


def gravest(rows: list[T], most: int = MOST_ROWS) -> list[T]:
    """Return checks in their order; those of more than `most`, what is gravest first."""
    if len(rows) <= most:
        return rows

    def gravity(row: Any) -> tuple[int, float]:
        return row.outcome.rank, -abs(getattr(row, "delta_pct", None) or 0.0)

    return sorted(rows, key=gravity)


def bound_summaries(rows: Iterable[BoundCheck]) -> list[str]:
    """Return, for each check of each experiment, for which binaries it holds and for which not."""
    ordered = sorted(rows, key=_group)
    return [_bound_summary(list(group)) for _, group in groupby(ordered, key=_group)]


def _group(row: BoundCheck) -> tuple[str, str, str, str]:
    return (row.case.experiment, row.check, row.case.source, row.case.arm)


def _bound_summary(rows: list[BoundCheck]) -> str:
    first = rows[0]
    head = f"{first.case.experiment}, {first.case.source}, {first.case.arm}: {first.check}"
    parts = []
    for outcome, said in _KEPT.items():
        names = [row.case.binary for row in rows if row.outcome is outcome]
        if names:
            parts.append(f"{said} {len(names)} of {len(rows)} ({listed(names, _MOST_NAMES)})")
    return f"{head} {bound_cell(first)} {'; '.join(parts)}"


def bound_cell(row: BoundCheck) -> str:
    """Return the bound, with the sign of its direction."""
    upper = [] if row.upper_bound is None else [f"<= {format_value(row.upper_bound, row.unit)}"]
    lower = [] if row.lower_bound is None else [f">= {format_value(row.lower_bound, row.unit)}"]
    return " and ".join([*lower, *upper]) or NOTHING


def observed_cell(row: BoundCheck) -> str:
    """Return the value nearest to the bound or furthest beyond it, and the room that is left."""
    if row.observed is None:
        return NOTHING
    observed = format_value(row.observed, row.unit)
    if row.headroom_pct is None:
        return observed
    word = "headroom" if row.headroom_pct >= 0 else "beyond by"
    return f"{observed} ({word} {abs(row.headroom_pct):.1f} %)"


def passed_cell(row: BoundCheck) -> str:
    """Return how many replicates are within the bound: `10/10`."""
    return f"{row.replicates_passed}/{row.replicates}" if row.observed is not None else NOTHING


def files_headline(changes: FileChanges) -> str:
    """Return what became of the files, in one line."""
    if not changes.checked:
        return f"Not checked: {changes.note}."
    if not changes.changed:
        return "No change detected."
    return f"{counted(len(changes.rows), 'change')} detected."


def file_size_cell(row: FileChange) -> str:
    """Return both sizes of a file, and by how much it changed where that is a number."""
    sizes = [NOTHING if size is None else format_bytes(size)
             for size in (row.before_bytes, row.after_bytes)]  # fmt: skip
    text = turn(*sizes)
    if row.before_bytes and row.after_bytes is not None:
        text += f" ({100 * (row.after_bytes - row.before_bytes) / row.before_bytes:+.1f} %)"
    return text


def mark(outcome: Outcome) -> Markdown:
    """Return the sign of an outcome."""
    return Markdown(MARKS[outcome])


def case_code(case: Case) -> Markdown:
    """Return the name of a case as code of bounded length."""
    return code(shorten(case_name(case), _CASE_WIDTH))


def detail(text: str) -> Markdown:
    """Return a cause, which may be of any length and origin, as plain Markdown."""
    return plain(shorten(text, _DETAIL_WIDTH))


def _links(links: list[Link]) -> Markdown:
    """Return links: addresses were checked when the suite was read, texts are escaped here."""
    return Markdown(", ".join(f"[{plain(one.text)}](<{one.link}>)" for one in links))


def _detail_column(key: str, header: str, cell: Callable[[T], str]) -> Column[T]:
    return Column(
        key=key, header=header, cell=cell, markdown=lambda row: detail(cell(row)), css="reason"
    )


def _mean_column(side: str, mean: Callable[[Comparison], float | None]) -> Column[Comparison]:
    def cell(row: Comparison) -> str:
        value = mean(row)
        return NOTHING if value is None else format_value(value, row.unit)

    return Column(key=side, header=side, cell=cell, kind="number")


_PERF: Column[Any] = Column(
    key="perf",
    cell=lambda row: MARKS[row.outcome],
    markdown=lambda row: mark(row.outcome),
    align="center",
)
_EXPERIMENT: Column[Any] = Column(
    key="experiment",
    cell=lambda row: case_name(row.case),
    markdown=lambda row: case_code(row.case),
)
_STATE: Column[Any] = Column(
    key="state",
    cell=lambda row: str(row.outcome),
    markdown=lambda row: Markdown(f"{mark(row.outcome)} {plain(str(row.outcome))}"),
    html=lambda row: _badge(row.outcome, ""),
    style=lambda row: style_of(row.outcome),
)
_REPEAT: Column[Any] = Column(
    key="repeat",
    header="to repeat",
    cell=lambda row: row.repeat_command,
    html=lambda row: Markup("<code>{}</code>").format(inert(row.repeat_command)),
    css="long",
)
_LINKS: Column[Any] = Column(key="links", cell=lambda _: "", markdown=lambda row: _links(row.links))

COMPARISONS: list[Column[Comparison]] = [
    _PERF,
    _EXPERIMENT,
    Column(key="binary", cell=lambda row: row.case.binary, kind="name"),
    Column(key="arm", cell=lambda row: row.case.arm, kind="name", most=10),
    Column(key="goal", cell=lambda row: f"{row.metric}, {row.goal}"),
    Column(
        key="change",
        header="Δ mean %",
        cell=lambda row: change_cell(row).removesuffix(" %"),
        markdown=lambda row: plain(change_cell(row)),
        kind="number",
    ),
    Column(key="interval", header="90 % CI", long="Δ mean % CI", cell=interval_cell, kind="number"),
    Column(key="trials", header="n", long="trials", cell=trials_cell, kind="number"),
    Column(key="chance", header="by chance", cell=chance_cell),
    _mean_column("baseline", lambda row: row.baseline_mean),
    _mean_column("candidate", lambda row: row.candidate_mean),
    replace(
        _STATE,
        markdown=lambda row: detail(outcome_cell(row)),
        html=lambda row: _badge(row.outcome, outcome_cell(row)),
        style=lambda row: style_of(row.outcome, ""),
    ),
    _detail_column("remarks", "remarks", lambda row: "; ".join(row.remarks)),
    _REPEAT,
    _LINKS,
]
BOUNDS: list[Column[BoundCheck]] = [
    _PERF,
    _EXPERIMENT,
    Column(key="check", header="bounds_check_name", cell=lambda row: row.check, head=True),
    Column(key="bound", cell=bound_cell),
    Column(key="passed", header="replicates_passed", cell=passed_cell, kind="number"),
    Column(key="observed", header="observed_value", cell=observed_cell),
    _STATE,
    _detail_column("detail", "what bears on it", lambda row: row.detail),
    _REPEAT,
    _LINKS,
]
GATES: list[Column[GateSummary]] = [
    Column(key="gate", cell=lambda one: one.name, kind="name", head=True),
    _STATE,
    Column(key="guards", header="can fail the job", cell=lambda one: "yes" if one.gate else "no"),
    _detail_column("detail", "what it found", lambda one: one.detail),
    _REPEAT,
]
FAULTS: list[Column[Precondition]] = [
    _detail_column("what", "what", lambda one: one.what),
    _detail_column("why", "why", lambda one: one.reason),
]
FILES: list[Column[FileChange]] = [
    Column(key="file", cell=lambda one: one.path, kind="name", head=True),
    Column(key="change", cell=lambda one: one.change),
    Column(key="size", cell=file_size_cell),
    Column(
        key="mode",
        cell=lambda one: turn(one.before_mode or NOTHING, one.after_mode or NOTHING),
    ),
]
