"""What each cell of a verdict says, in Markdown and in the terminal alike."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, TypeVar

from harness.stats.check import BoundCheck, Case, Comparison, Outcome
from harness.stats.growth import LineChange
from harness.stats.verdict import FileChange, FileChanges
from harness.tables import NOTHING, turn
from harness.text import counted, listed
from harness.units import format_bytes, format_value

T = TypeVar("T")

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
        known.append(f"{row.replicates_needed} replicates per side would settle it")
    if not known and not row.exact:
        known.append("too few replicates to know the noise")
    return "; ".join([row.outcome, *known])


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
        text += f" ({100 * (row.after_bytes - row.before_bytes) / row.before_bytes:+z.1f} %)"
    return text
