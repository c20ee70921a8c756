"""The summary in a terminal: good in 80 columns, plain in a pipe, never a number cut short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.reports import cells
from harness.reports.gaps import group_doubts, group_gaps
from harness.reports.headline import SOURCES, Headline
from harness.reports.provenance import Provenance
from harness.stats.claim import Claim
from harness.stats.copies import Held
from harness.stats.labels import distinct, inert, shorten
from harness.stats.summary import Row, Summary

_NARROWEST = 80
_NAME_WIDTH = 24
_WIDTHS = (10, 10, 8, 8, 9, 4)
_HEADERS = ("change", "batches", "overshoot", "same")
_COPIES, _COPIES_WIDTH = "copies", 9


def make_console(file: IO[str]) -> Console:
    """Return a console for `file`: colours and width of its terminal, 80 plain columns if none."""
    console = Console(file=file, highlight=False, soft_wrap=False)
    if console.width < _NARROWEST or not console.is_terminal:
        console.width = _NARROWEST
    return console


def print_summary(
    summary: Summary,
    provenance: Provenance,
    console: Console,
    claim: Claim | None = None,
    held: Sequence[Held] = (),
) -> None:
    """Print a table a source, what does not count or was not measured, and last the answer."""
    for source in summary.sources:
        rows = summary.of_source(source)
        title = SOURCES.get(source, "")
        console.print(Text(f"Source {inert(source)}: {title}".rstrip(": "), style="bold"))
        console.print(table(summary, rows, console.width, held))
        console.print()
    for line in _iter_notes(summary, provenance, held):
        console.print(Text(line, style="dim"))
    console.print()
    for finding in Headline(summary, claim or Claim()).iter_findings():
        support = f" {finding.support}" if finding.support else ""
        console.print(Text.assemble((finding.answer, "bold"), support))


def table(summary: Summary, rows: Iterable[Row], width: int, held: Sequence[Held] = ()) -> Table:
    """Return rows of `summary` as a table `width` columns wide or narrower.

    The names of all of its rows decide about the columns, so that several tables line up. Copies
    have a column where any were looked for, which takes its room from the names.
    """
    room = _NAME_WIDTH + max(0, width - _NARROWEST) - (_COPIES_WIDTH if held else 0)
    labels = distinct((row.binary for row in summary.rows), room)
    widest = min(room, max(map(cell_len, labels.values()), default=0))
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    grid.add_column(Text("binary"), no_wrap=True, min_width=widest, max_width=room)
    arms = (shorten(arm, _WIDTHS[0]) for arm in (summary.baseline, summary.candidate))
    for header, least in zip((*arms, *_HEADERS), _WIDTHS, strict=True):
        grid.add_column(Text(header), justify="right", no_wrap=True, min_width=least)
    if held:
        grid.add_column(Text(_COPIES), justify="right", no_wrap=True, min_width=_COPIES_WIDTH)
    for row in rows:
        copies = [Text(cells.copies_cell(row, held))] if held else []
        grid.add_row(Text(labels[row.binary]), *_iter_cells(row), *copies)
    return grid


def live_header(summary_arms: tuple[str, str]) -> Text:
    """Return the line that goes above rows printed one at a time."""
    arms = (shorten(arm, _WIDTHS[0]) for arm in summary_arms)
    return _line("binary", "source", [Text(header) for header in (*arms, *_HEADERS)])


def live_row(row: Row) -> Text:
    """Return one finished row as a line, aligned with `live_header`, to print as it comes."""
    return _line(row.binary, row.source, list(_iter_cells(row)))


def _line(binary: str, source: str, texts: list[Text]) -> Text:
    name, kind = shorten(binary, _NAME_WIDTH - 7), shorten(source, 6)
    line = Text(f"{set_cell_size(name, _NAME_WIDTH - 7)} {set_cell_size(kind, 6)}")
    for text, width in zip(texts, _WIDTHS, strict=True):
        line.append(" " * max(1, 1 + width - len(text)))
        line.append_text(text)
    return line


def _iter_cells(row: Row) -> Iterator[Text]:
    yield Text(cells.peak_cell(row, row.baseline), style="" if row.baseline.peak else "red")
    yield Text(cells.peak_cell(row, row.candidate), style="" if row.candidate.peak else "red")
    yield Text(cells.change_cell(row), style=_change_style(row))
    yield Text(cells.batches_cell(row))
    yield Text(cells.overshoot_cell(row))
    yield Text(cells.same_cell(row), style="" if row.same_output else "red")


def _change_style(row: Row) -> str:
    if not row.counts or row.reduction_pct is None:
        return "dim"
    return "green" if row.reduction_pct > 0 else "yellow"


def _iter_notes(summary: Summary, provenance: Provenance, held: Sequence[Held]) -> Iterator[str]:
    yield f"Peaks are {inert(summary.metric)}, medians over replicates: = all agree to the byte,"
    yield "~ they differ. ?: proves nothing. none: the threshold was never reached."
    if held:
        yield "copies: whole copies of the payload's JSON alive at the peak, in payloads."
    yield from cells.iter_overhead_lines(provenance)
    for doubt, binaries in group_doubts(summary).items():
        yield _note("Not counted, " + doubt, binaries)
    for what, binaries in group_gaps(summary, provenance).items():
        yield _note("Not measured, " + what, binaries)


def _note(what: str, binaries: list[str]) -> str:
    names = ", ".join(shorten(binary, _NAME_WIDTH) for binary in binaries)
    return f"{inert(what)}: {names}" if names else inert(what)
