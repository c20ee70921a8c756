"""report.md: the answer first, then the table, the pictures, and how to repeat every number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from harness.reports.beside import MEASURED, OVERHEADS, SPREADS, line_columns
from harness.reports.cells import change_cell
from harness.reports.columns import MARKDOWN, other_columns, other_metrics, summary_columns
from harness.reports.gaps import iter_modes
from harness.reports.headline import SOURCES, Headline
from harness.reports.limit import LIMITS
from harness.reports.report import Report, facts_of
from harness.stats.copies import Held
from harness.stats.doubts import Failure
from harness.stats.labels import Markdown, code, inert, longest_backticks, plain, shorten
from harness.stats.worst import MOST_BINARIES
from harness.tables import Column, markdown_table, pick
from harness.text import listed
from harness.units import format_bytes, format_seconds

_NAME_WIDTH = 60
_CAUSE_WIDTH = 300


def name(text: str) -> Markdown:
    """Return the name of a binary as a code span of bounded length."""
    return code(shorten(text, _NAME_WIDTH))


def names(binaries: Iterable[str]) -> Markdown:
    """Return names of binaries, ready to be read out; of many the first, and how many more."""
    return Markdown(listed(map(name, binaries), MOST_BINARIES))


def fenced(commands: Iterable[str]) -> Markdown:
    """Return commands, one a line, as a block of their own."""
    shown = "\n".join(map(inert, commands))
    fence = "`" * max(3, longest_backticks(shown) + 1)
    return Markdown(f"{fence}sh\n{shown}\n{fence}")


def render_report(report: Report, pictures: Mapping[str, str]) -> str:
    """Return report.md; `pictures` are questions by the path of a picture, relative to it."""
    summary = report.summary
    held = [] if summary.calls else report.held
    keys = MARKDOWN if held else MARKDOWN.replace(" copies", "")
    template = _environment().get_template("report.md.j2")
    return template.render(
        **facts_of(report),
        columns=pick(summary_columns(summary, held), keys),
        others=other_metrics(report.shown.rows),
        other_columns=other_columns(summary),
        held=held_alike(held),
        lines={
            binary: markdown_table(line_columns(summary.arms, changes), changes)
            for binary, changes in report.lines().items()
        },
        holding_none=Counter((one.arm, one.source) for one in held if not one.copies),
        modes=list(iter_modes(summary)),
        findings=list(Headline(summary, name).iter_findings()),
        repeats=[row.repeat for row in report.shown.rows],
        # What the headline is about comes first, the others as they came.
        pictures=sorted(
            ((quote(path), question) for path, question in pictures.items()),
            key=lambda one: "peak_heap" not in one[0],
        ),
    )


def templates_in(folder: str, **settings: Any) -> Environment:
    """Return the templates of a folder, in which a name that means nothing is an error."""
    environment = Environment(  # noqa: S701  Markdown is no HTML; the page asks for `autoescape`
        loader=PackageLoader("harness.reports", folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **settings,
    )
    environment.globals.update(
        SOURCES=SOURCES,
        limit_columns=LIMITS,
        measured_columns=MEASURED,
        overhead_columns=OVERHEADS,
        spread_columns=SPREADS,
    )
    return environment


def markdown_environment() -> Environment:
    """Return templates in which every value is made harmless unless it is Markdown already."""
    environment = templates_in("templates", finalize=_finalize, keep_trailing_newline=True)
    environment.filters.update(
        name=name,
        names=names,
        plain=plain,
        fenced=fenced,
        trusted=Markdown,
        size=format_bytes,
        duration=format_seconds,
    )
    return environment


def _environment() -> Environment:
    environment = markdown_environment()
    environment.filters.update(failure=_failure)
    environment.globals.update(table=markdown_table, change_cell=change_cell, held_columns=_HELD)
    return environment


def _failure(failure: Failure, source: str) -> Markdown:
    """Say what failed, how often and why; a cause is of any length and manifest."""
    arm = f", {code(failure.arm)}" if failure.arm else ""
    probe = f", probe {code(failure.probe)}" if failure.probe else ""
    cause = f": {code(shorten(failure.detail, _CAUSE_WIDTH))}" if failure.detail else ""
    count = f"{failure.replicates} x {code(failure.status)}"
    return Markdown(f"source {code(source)}{arm}{probe}: {count}{cause}")


class Alike(Struct, frozen=True):
    """The binaries of one arm and source whose copies at the peak were made at the same lines."""

    source: str
    arm: str
    binaries: tuple[str, ...]
    places: tuple[tuple[str, float, float], ...]
    """Each line, with the fewest and the most payloads that it holds."""


def held_alike(held: Iterable[Held]) -> list[Alike]:
    """Put the binaries together whose copies were made at the same lines; none holds no copy."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Held]] = {}
    for one in held:
        lines = tuple(sorted(copy.location for copy in one.copies))
        if lines:
            groups.setdefault((one.source, one.arm, lines), []).append(one)
    return [
        Alike(source, arm, tuple(one.binary for one in ones), tuple(_iter_places(ones)))
        for (source, arm, _), ones in groups.items()
    ]


def _iter_places(ones: Iterable[Held]) -> Iterator[tuple[str, float, float]]:
    sizes: dict[str, list[float]] = {}
    for copy in (copy for one in ones for copy in one.copies):
        sizes.setdefault(copy.location, []).append(copy.copies)
    for location, found in sorted(sizes.items(), key=lambda place: -max(place[1])):
        yield location, min(found), max(found)


def _places(places: Iterable[tuple[str, float, float]]) -> Markdown:
    """Return where copies were made, each with its size in payloads."""
    return Markdown(", ".join(f"{code(line)} ({_span(low, high)})" for line, low, high in places))


def _span(low: float, high: float) -> str:
    ends = dict.fromkeys((f"{low:.2f}", f"{high:.2f}"))
    return " to ".join(ends)


_HELD: list[Column[Alike]] = [
    Column("source", lambda one: one.source),
    Column("arm", lambda one: one.arm),
    Column(
        "places",
        lambda one: ", ".join(line for line, _, _ in one.places),
        header="made at (payloads)",
        markdown=lambda one: _places(one.places),
    ),
    Column(
        "binaries", lambda one: ", ".join(one.binaries), markdown=lambda one: names(one.binaries)
    ),
]


def _finalize(value: Any) -> Any:
    """Print numbers and Markdown as they are, and everything else as code: the safe default."""
    return value if isinstance(value, (Markdown, int, float)) else code(str(value))
