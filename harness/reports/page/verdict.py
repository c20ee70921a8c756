"""What the page says first: whether the claim holds, for which binaries, and what to beware of."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from harness.reports.cells import change_cell, overshoot_cell
from harness.reports.headline import SOURCES
from harness.reports.page.attachments import GateReport
from harness.reports.report import Report
from harness.stats.claim import (
    CLAIM,
    judge_overshoot,
    judge_reduction,
    keeps_overshoot,
    keeps_reduction,
)
from harness.stats.summary import Row, Summary
from harness.units import format_bytes


class Standing(StrEnum):
    """How a claim, or one row of it, came out."""

    HOLDS = "holds"
    PARTLY = "holds in part"
    FAILS = "does not hold"
    UNKNOWN = "proves nothing"


class Example(Struct, frozen=True):
    """One binary under a claim, and the figure that decided."""

    row: Row
    standing: Standing
    figure: str


class Judgement(Struct, frozen=True):
    """One claim, its figure over all binaries, and every binary that was held against it.

    `scope` says for what it holds, where that can be said of all of a kind.
    """

    claimed: str
    where: str
    figure: str
    unit: str
    standing: Standing
    examples: tuple[Example, ...]
    scope: str = ""

    def count(self, standing: Standing) -> int:
        """Return how many binaries came out like this."""
        return sum(example.standing is standing for example in self.examples)


def iter_judgements(summary: Summary) -> Iterator[Judgement]:
    """Yield the claimed reduction from each source, if two were compared, then the overshoot."""
    for source in summary.sources if summary.claimed else ():
        yield _reduction(summary, source)
    if summary.rows and not summary.calls:
        yield _overshoot(summary)


_STANDINGS = {True: Standing.HOLDS, False: Standing.FAILS, None: Standing.UNKNOWN}


def row_standing(row: Row) -> Standing:
    """Return how one row stands to the claimed reduction."""
    return _STANDINGS[keeps_reduction(row)]


def _reduction(summary: Summary, source: str) -> Judgement:
    rows = summary.of_source(source)
    outcome = judge_reduction(rows)
    mean = outcome.mean_reduction_pct
    word = "more" if mean is not None and mean < 0 else "less"
    return Judgement(
        claimed=f"At least {CLAIM.reduction_pct:g} % less peak heap",
        where=SOURCES.get(source, f"source {source}"),
        figure="?" if mean is None else f"{abs(mean):.0f} %",
        unit="no number may be compared" if mean is None else f"{word} peak heap, mean of ratios",
        standing=_overall(len(outcome.holds), len(outcome.fails)),
        examples=tuple(Example(row, row_standing(row), change_cell(row)) for row in rows),
        scope=""
        if outcome.from_bytes is None
        else f"Holds from {format_bytes(outcome.from_bytes)} of JSON on.",
    )


def _overshoot(summary: Summary) -> Judgement:
    outcome = judge_overshoot(summary.rows)
    reached = sorted((*outcome.holds, *outcome.fails), key=lambda row: row.overshoot_bytes or 0)
    worst = {row.binary: row for row in reached}  # the later, larger one of two sources stays
    largest = outcome.largest_bytes
    return Judgement(
        claimed=f"At most {format_bytes(CLAIM.overshoot_bytes)} past the threshold",
        where="both sources" if len(summary.sources) > 1 else "",
        figure="?" if largest is None else format_bytes(largest),
        unit="no batch reached the threshold" if largest is None else "largest overshoot",
        standing=_overall(len(outcome.holds), len(outcome.fails)),
        examples=tuple(
            Example(row, _STANDINGS[keeps_overshoot(row)], overshoot_cell(row))
            for row in worst.values()
        ),
    )


def _overall(holds: int, fails: int) -> Standing:
    if not holds:
        return Standing.FAILS if fails else Standing.UNKNOWN
    return Standing.PARTLY if fails else Standing.HOLDS


class Alarm(Struct, frozen=True):
    """Something that a reader must know before any number; `fatal` when no number may be used."""

    text: str
    fatal: bool = False


def iter_alarms(report: Report, gate: GateReport) -> Iterator[Alarm]:
    """Yield what is wrong with the run as a whole, the worst first."""
    summary, unfinished = report.summary, report.frames.manifest.unfinished
    if gate.trouble:
        yield Alarm(f"No decision of a gate: {gate.trouble}.", fatal=True)
    if not summary.rows:
        yield Alarm("Nothing was measured: this run proves nothing.", fatal=True)
    elif not summary.alone and not any(row.counts for row in summary.rows):
        yield Alarm("No row of this run counts: it proves nothing.", fatal=True)
    differing = dict.fromkeys(row.binary for row in summary.rows if row.same_output is False)
    if differing:
        names = ", ".join(differing)
        yield Alarm(f"The arms delivered different scopes for {names}.", fatal=True)
    if unfinished:
        yield Alarm(f"{unfinished[0].upper()}{unfinished[1:]}.")
    uncounted = 0 if summary.alone else sum(not row.counts for row in summary.rows)
    if uncounted:
        yield Alarm(f"{uncounted} of {len(summary.rows)} rows do not count; each says why.")
    for warning in report.frames.warnings:
        yield Alarm(f"Warning: {warning}")
