"""A run as it is reported, in a terminal, in report.md, on the page and as a document."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct

from harness.reports.cells import capture_excess, overhead_gap
from harness.reports.gaps import group_doubts, group_gaps, iter_exceptions, measured
from harness.reports.limit import found_in
from harness.reports.meaning import ALL_COUNTS, CASE_MEANS, LIMITS_MEAN, iter_meanings
from harness.stats.claim import CLAIM
from harness.stats.copies import Held, first_replicates, held_copies
from harness.stats.frames import Frames
from harness.stats.growth import LineChange, line_changes
from harness.stats.summary import Row, Summary, summarise
from harness.stats.worst import excerpt, spreads

_MOST_LINES = 8
_MOST_INPUTS = 5


class Report(Struct, frozen=True, dict=True):
    """A run's tables, what they come to, and the copies held at its peaks."""

    frames: Frames
    summary: Summary
    held: Sequence[Held]

    @cached_property
    def shown(self) -> Summary:
        """The rows that are listed: of many binaries those of the worst."""
        return excerpt(self.summary)

    def lines(self) -> dict[str, list[LineChange]]:
        """Return the lines that hold most at the peaks, by input, for the first few inputs.

        Only of callables: what an upload holds is told by stage, and in whole copies.
        """
        found = {row.binary: self.lines_of(row) for row in self.summary.rows[:_MOST_INPUTS]}
        return {binary: lines for binary, lines in found.items() if lines}

    def lines_of(self, row: Row) -> list[LineChange]:
        """Return the lines that hold most at the peaks over one input, the largest first."""
        if not self.summary.calls:
            return []
        first = first_replicates(self.frames.of_case("copies", row.binary, row.source))
        return line_changes(*(first[first["arm"] == arm.name] for arm in row.arms))[:_MOST_LINES]


def report_of(frames: Frames) -> Report:
    """Summarise a run."""
    return Report(frames, summarise(frames), held_copies(frames.copies))


def facts_of(report: Report) -> dict[str, Any]:
    """Return what report.md and the page both tell, by the names that templates have for it."""
    summary, shown, manifest = report.summary, report.shown, report.frames.manifest
    return {
        "summary": summary,
        "shown": shown,
        "run": manifest,
        "claim": CLAIM,
        "spreads": [] if shown is summary else spreads(summary),
        "limits": found_in(summary),
        "exceptions": list(iter_exceptions(shown)),
        "doubts": group_doubts(summary),
        "gaps": group_gaps(summary, manifest),
        "measured": measured(summary),
        "excess": capture_excess(summary),
        "overhead_gap": overhead_gap(manifest),
        "meanings": list(iter_meanings()),
        "limits_mean": LIMITS_MEAN,
        "all_counts": ALL_COUNTS,
        "case_means": CASE_MEANS,
    }
