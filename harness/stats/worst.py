"""Of a run over thousands of binaries, what somebody can look at, and how the rest lies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from msgspec import Struct, structs

from harness.stats.summary import ArmSummary, Row, Summary

MOST_BINARIES = 20
_PERCENTILES = (0, 5, 25, 50, 75, 95, 100)


class Spread(Struct, frozen=True):
    """How one number lies over the rows of a source: its percentiles, from least to most.

    `unit` is that of the percentiles, `percent` for the change of the peak.
    """

    source: str
    what: str
    unit: str
    rows: int
    percentiles: tuple[float, ...]


def excerpt(summary: Summary, most: int = MOST_BINARIES) -> Summary:
    """Return the summary with the rows of the worst binaries only, in their order.

    Half of them at most are binaries that prove nothing, the first ones; the others are those
    whose peak was reduced least. Where nothing is compared, the largest peaks count as worst.
    """
    by_binary: dict[str, list[Row]] = {}
    for row in summary.rows:
        by_binary.setdefault(row.binary, []).append(row)
    if len(by_binary) <= most:
        return summary
    doubtful = [name for name, rows in by_binary.items() if not all(row.counts for row in rows)]
    kept = dict.fromkeys(() if summary.alone else doubtful[: most // 2])
    ordered = sorted(by_binary, key=lambda name: (min(map(_goodness, by_binary[name])), name))
    kept |= dict.fromkeys([name for name in ordered if name not in kept][: most - len(kept)])
    return structs.replace(summary, rows=tuple(row for row in summary.rows if row.binary in kept))


def _goodness(row: Row) -> float:
    if row.reduction_pct is not None:
        return row.reduction_pct
    return -row.candidate.peak.median if row.candidate.peak else float("inf")


def spreads(summary: Summary) -> list[Spread]:
    """Return how peaks and their change lie over all rows of each source."""
    return [spread for source in summary.sources for spread in _iter_spreads(summary, source)]


def _iter_spreads(summary: Summary, source: str) -> Iterator[Spread]:
    rows = summary.of_source(source)
    found: dict[tuple[str, str], Sequence[float]] = {
        (f"{summary.baseline} peak", "byte"): _peaks(row.baseline for row in rows),
        (f"{summary.candidate} peak", "byte"): _peaks(row.candidate for row in rows),
        ("change", "percent"): [-row.reduction_pct for row in rows
                                if row.counts and row.reduction_pct is not None],
    }  # fmt: skip
    for (what, unit), values in found.items():
        if values:
            cut = np.percentile(np.array(values, float), _PERCENTILES)
            yield Spread(source, what, unit, len(values), tuple(map(float, cut)))


def _peaks(arms: Iterable[ArmSummary]) -> list[float]:
    return [arm.peak.median for arm in arms if arm.peak]
