"""The summary in a terminal: good in 80 columns, plain in a pipe, never a number cut short."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from harness.printing import live_line, print_tables
from harness.reports.beside import SPREADS, held_at, line_columns
from harness.reports.cells import capture_excess, iter_overhead_lines
from harness.reports.columns import (
    CALLED,
    TERMINAL,
    TERMINAL_LIMITED,
    live_columns,
    other_columns,
    other_metrics,
    summary_columns,
)
from harness.reports.gaps import group_doubts, group_gaps, iter_modes
from harness.reports.headline import SOURCES, Headline
from harness.reports.report import Report
from harness.stats.labels import inert, shorten
from harness.stats.summary import Row, Summary
from harness.stats.worst import MOST_BINARIES, spreads
from harness.tables import pick
from harness.text import listed

_NAME_WIDTH = 24


def print_report(report: Report, console: Console) -> None:
    """Print the answer, one table per source, and last what does not count or was not measured."""
    summary, shown = report.summary, report.shown
    print_verdict(summary, console)
    console.print()
    columns = summary_columns(summary, report.held)
    if shown is not summary:
        print_tables(SPREADS, {"Over all binaries": spreads(summary)}, console)
    for keys, sources in _iter_groups(shown):
        print_tables(
            pick(columns, keys if report.held else keys.replace(" copies", "")),
            {_title(source): shown.of_source(source) for source in sources},
            console,
        )
    if others := other_metrics(shown.rows):
        print_tables(other_columns(summary), {"Other metrics": others}, console)
    if left_out := len(summary.rows) - len(shown.rows):
        console.print(
            f"{left_out} more rows, not the worst: --json has all, report.html finds them"
        )
    for binary, changes in report.lines().items():
        print_tables(line_columns(summary.arms, changes), {held_at(binary): changes}, console)
    for line in _iter_notes(report):
        console.print(Text(line, style="dim"))


def print_verdict(summary: Summary, console: Console) -> None:
    """Print the answer alone."""
    for finding in Headline(summary).iter_findings():
        support = f" {finding.support}" if finding.support else ""
        console.print(Text.assemble((finding.answer, "bold"), support))


def _iter_groups(summary: Summary) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield sources whose tables have the same columns; there is no room for limits and more."""
    if summary.calls or not (summary.is_limited or summary.aside):
        yield CALLED if summary.calls else TERMINAL, summary.sources
        return
    for source in summary.sources:
        rows = summary.of_source(source)
        keys = TERMINAL_LIMITED if any(row.candidate.limit for row in rows) else TERMINAL
        if any(row.aside for row in rows):
            keys = keys.replace("candidate", "candidate aside").replace(" copies", "")
        yield keys, (source,)


def live_header(summary: Summary) -> Text:
    """Return the line that goes above rows printed one at a time."""
    return live_line(live_columns(summary))


def live_row(row: Row, summary: Summary) -> Text:
    """Return one finished row as a line, aligned with `live_header`, to print as it comes."""
    return live_line(live_columns(summary), row)


def _title(source: str) -> str:
    return f"Source {source}: {SOURCES.get(source, '')}".rstrip(": ")


def _iter_notes(report: Report) -> Iterator[str]:
    summary, manifest = report.summary, report.frames.manifest
    yield f"Peaks are {inert(summary.metric)}, medians over replicates: = all agree to the byte,"
    if summary.calls:
        yield "~ they differ. ?: proves nothing. inputs, outputs: how many times the input,"
        yield "or what was returned and written, goes into what a line holds."
    else:
        yield "~ they differ. ?: proves nothing. none: the threshold was never reached."
    if report.held and not summary.calls:
        yield "copies: whole copies of the payload's JSON alive at the peak, in payloads."
    if summary.aside:
        yield "on disk: the candidate with its batches in a temporary file (--sink disk)."
    if summary.is_limited:
        yield "limit MiB: the smallest memory limit that is survived; a..b: an interval;"
        yield "<= and >: that one was survived, or not, and no other was tried."
    if excess := capture_excess(summary):
        yield excess
    yield from map(inert, iter_modes(summary))
    yield from iter_overhead_lines(manifest)
    for doubt, binaries in group_doubts(summary).items():
        yield _note("Not counted, " + doubt, binaries)
    for what, binaries in group_gaps(summary, manifest).items():
        yield _note("Not measured, " + what, binaries)


def _note(what: str, binaries: list[str]) -> str:
    names = listed((shorten(binary, _NAME_WIDTH) for binary in binaries), MOST_BINARIES)
    return f"{inert(what)}: {names}" if names else inert(what)
