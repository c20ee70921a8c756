"""A verdict and a comparison in a terminal: good in 80 columns, plain in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from harness.printing import print_table
from harness.reports.gate import cells, columns
from harness.stats.check import BoundCheck, Comparison, Outcome
from harness.stats.labels import distinct, inert
from harness.stats.verdict import ComparisonDocument, Verdict
from harness.tables import pick

_UNDECIDED = {Outcome.INCONCLUSIVE, Outcome.INVALID}
_NAME_WIDTH, _WIDE = 20, 80
_MOST_ROWS = 40
_MOST_NAMED = 4
_MOST_IN_ALL = 120
_COUNTED = (
    Outcome.INVALID,
    Outcome.REGRESSED,
    Outcome.IMPROVED,
    Outcome.CLEAN,
    Outcome.INCONCLUSIVE,
)


def print_verdict(verdict: Verdict, console: Console) -> None:
    """Print the decision, then the rows that somebody has to look at, and last every gate."""
    style = f"bold {cells.style_of(verdict.decision, '')}".strip()
    console.print(Text(f"{cells.ANSWERS[verdict.decision]}", style=style))
    for reason in verdict.reasons:
        console.print(Text(f"  {inert(reason)}"))
    console.print()
    console.print(Text(f"files: {cells.files_headline(verdict.inventory)}", style="dim"))
    loud = [row for row in verdict.experiments if row.outcome is not Outcome.CLEAN or row.remarks]
    print_comparisons(loud, console)
    _print_bounds(verdict.bounds, console)
    print_table(pick(columns.GATES, columns.GATES_SHORT), verdict.gates, console)


def print_comparison(
    document: ComparisonDocument, notes: list[str], console: Console, *, everything: bool
) -> None:
    """Print the two sides, what differs between them besides the code, and every row."""
    for name, side in (("baseline ", document.baseline), ("candidate", document.candidate)):
        where = " ".join(filter(None, (side.run_id, side.arm, side.commit)))
        console.print(Text(f"{name}  {inert(where)}", style="bold"), soft_wrap=True)
    for note in notes:
        console.print(Text(f"differs    {inert(note)}", style="yellow"), soft_wrap=True)
    console.print(Text(f"files      {inert(cells.files_headline(document.inventory))}"))
    console.print()
    shown = _shown(document.experiments, everything=everything)
    print_comparisons(shown, console, len(shown) if everything else _MOST_IN_ALL)
    _print_counts(document, console)


def _shown(rows: list[Comparison], *, everything: bool) -> list[Comparison]:
    if everything or len(rows) <= _MOST_ROWS:
        return rows
    return [row for row in rows if row.outcome is not Outcome.CLEAN]


def _print_counts(document: ComparisonDocument, console: Console) -> None:
    rows = document.experiments
    counts = {outcome: sum(row.outcome is outcome for row in rows) for outcome in _COUNTED}
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    hidden = len(rows) - len(_shown(rows, everything=False))
    hint = f" ({hidden} clean may be hidden: --all shows them)" if hidden else ""
    console.print(Text(f"{len(rows)} comparisons: {told or 'none'}{hint}", style="bold"))
    for reason in document.reasons:
        console.print(Text(inert(reason)))


def print_comparisons(
    rows: Iterable[Comparison], console: Console, most: int = _MOST_IN_ALL
) -> None:
    """Print one table per metric and source, sorted by change, with notes below.

    Of more rows than `most`, each table has its share: the gravest, and of those the largest.
    """
    tables: dict[tuple[str, str], list[Comparison]] = {}
    for row in rows:
        tables.setdefault((row.metric, row.case.source), []).append(row)
    in_all = sum(map(len, tables.values()))
    share = in_all if in_all <= most else max(1, most // len(tables))
    tables = {name: cells.gravest(tables[name], share)[:share] for name in sorted(tables)}
    room = _NAME_WIDTH + max(0, console.width - _WIDE)
    labels = distinct((row.case.binary for found in tables.values() for row in found), room)
    binary, *others = pick(columns.COMPARISONS, columns.TERMINAL)
    shown = [replace(binary, cell=lambda row: labels[row.case.binary]), *others]
    for (metric, source), gravest in tables.items():
        found = sorted(gravest, key=lambda row: -(row.delta_pct or 0.0))
        console.print(Text(f"{inert(metric)}, source {inert(source)}", style="bold"))
        print_table(shown, found, console)
        for note in _iter_notes(found):
            console.print(Text(note, style="dim"), soft_wrap=True)
        console.print()
    if left_out := in_all - sum(map(len, tables.values())):
        console.print(Text(f"{left_out:,} more rows, not the gravest: --json has all"))


def _print_bounds(rows: list[BoundCheck], console: Console) -> None:
    for summary in cells.bound_summaries(rows):
        console.print(Text(inert(summary)))
    if rows:
        console.print()
    asked = (one for one in rows if not (one.outcome.passes or one.outcome is Outcome.NOT_ASKED))
    broken = sorted(asked, key=cells.by_gravity)
    for row in broken[:_MOST_ROWS]:
        line = f"{cells.bound_cell(row)}, observed {cells.observed_cell(row)}"
        head = Text(f"{row.outcome} ", style=cells.style_of(row.outcome))
        console.print(head.append(Text(inert(f"{cells.case_name(row.case)}: {row.check}"))))
        console.print(Text(f"  {line}"))
        if row.detail:
            console.print(Text(f"  {inert(row.detail)}", style="dim"))
        if row.repeat_command:
            console.print(Text(f"  repeat: {inert(row.repeat_command)}"), soft_wrap=True)
    if left_out := len(broken[_MOST_ROWS:]):
        console.print(f"{left_out:,} more like these: report.json has all")
    if rows:
        console.print()


def _iter_notes(rows: Iterable[Comparison]) -> Iterator[str]:
    """Yield what a table has no room for: why not, what it would take, and how to repeat it.

    What is said of many rows in the same words is said once.
    """
    told: dict[str, list[str]] = {}
    for row in rows:
        said = [cells.outcome_cell(row)] if row.outcome in _UNDECIDED else []
        if row.outcome in {Outcome.REGRESSED, Outcome.IMPROVED} and not row.exact:
            said.append(cells.chance_cell(row))
        said += row.remarks
        said += [f"holds more: {cells.grown_line(line)}" for line in row.lines]
        if row.outcome is Outcome.REGRESSED and row.repeat_command:
            said.append(f"repeat: {row.repeat_command}")
        if said:
            told.setdefault("; ".join(said), []).append(f"{row.case.binary} {row.case.arm}")
    for text, of in told.items():
        who = ", ".join(of) if len(of) <= _MOST_NAMED else f"{len(of):,} rows, the first {of[0]}"
        yield inert(f"  {who}: {text}")
