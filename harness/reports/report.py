"""A run as it is reported, in a terminal, in report.md, on the page and as a document."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from harness.config import Claim
from harness.stats.copies import Held, held_copies
from harness.stats.frames import Frames
from harness.stats.summary import Summary, summarise


class Report(Struct, frozen=True):
    """A run's tables, what they come to, the copies held at its peaks, and the claim under test."""

    frames: Frames
    summary: Summary
    held: Sequence[Held]
    claim: Claim = Claim()


def report_of(frames: Frames) -> Report:
    """Summarise a run."""
    return Report(frames, summarise(frames), held_copies(frames.copies))
