"""A run as it is reported, in a terminal, in report.md, on the page and as a document."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from harness.config import Claim
from harness.stats.copies import Held, first_replicates, held_copies
from harness.stats.frames import Frames, of_case
from harness.stats.growth import LineChange, line_changes
from harness.stats.summary import Row, Summary, summarise

MOST_LINES = 8


class Report(Struct, frozen=True):
    """A run's tables, what they come to, the copies held at its peaks, and the claim under test."""

    frames: Frames
    summary: Summary
    held: Sequence[Held]
    claim: Claim = Claim()

    def lines(self, row: Row) -> list[LineChange]:
        """Return the lines that hold most at the two peaks of a row."""
        rows = of_case(self.frames.copies, (row.binary, row.source))
        first = first_replicates(rows)
        sides = (first[first["arm"] == arm.name] for arm in row.arms)
        return line_changes(*sides)[:MOST_LINES]


def report_of(frames: Frames) -> Report:
    """Summarise a run."""
    return Report(frames, summarise(frames), held_copies(frames.copies))
