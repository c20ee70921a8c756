"""What a reader must not overlook: rows that prove nothing, and what was never measured."""

from __future__ import annotations

from collections.abc import Iterator

from harness.reports.provenance import Provenance
from harness.stats.summary import Summary


def group_doubts(summary: Summary) -> dict[str, list[str]]:
    """Return the binaries that each doubt befalls, by doubt, in the order of the rows."""
    found: dict[str, list[str]] = {}
    for row in summary.rows:
        for doubt in row.doubts:
            found.setdefault(f"{doubt} (source {row.source})", []).append(row.binary)
    return found


def group_gaps(summary: Summary, provenance: Provenance) -> dict[str, list[str]]:
    """Return what was not measured, each with the binaries concerned; none named means all.

    A binary without any peak is not listed metric by metric: its failure says it.
    """
    found: dict[str, list[str]] = {}
    if not provenance.complete:
        found[f"the run did not reach its end (state: {provenance.state or 'unknown'})"] = []
    found |= {message: [] for message in provenance.not_measured}
    for what, binary in _iter_lacking(summary, provenance):
        found.setdefault(what, []).append(binary)
    return found


def _iter_lacking(summary: Summary, provenance: Provenance) -> Iterator[tuple[str, str]]:
    seen = {row.binary for row in summary.rows}
    for binary in provenance.paths:
        if binary not in seen:
            yield "nothing was recorded", binary
    for row in summary.rows:
        if row.baseline.peak or row.candidate.peak:
            for what in row.unmeasured:
                yield f"{what} (source {row.source})", row.binary
