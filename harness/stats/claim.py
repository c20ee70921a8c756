"""Hold a summary against what was claimed: for which binaries is it true, and for which not?"""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from msgspec import Struct

from harness.config import Claim
from harness.stats.summary import Row


class ReductionOutcome(Struct, frozen=True):
    """Which rows bear a claim out.

    `mean_reduction_pct` is that of the geometric mean of the peaks' ratios, over `holds` and
    `fails` together; None when no row counts. `uncounted` rows carry doubts and prove nothing.
    `from_bytes` is the size, in bytes of JSON, from which on the claim holds for every row that
    counts: that of the smallest of at least two which are all larger than any that fails. None
    when there are no two of them, when nothing fails, or when some size is not known.
    """

    holds: tuple[Row, ...]
    fails: tuple[Row, ...]
    uncounted: tuple[Row, ...]
    mean_reduction_pct: float | None
    from_bytes: int | None = None

    @property
    def counted(self) -> int:
        """The number of rows that the verdict rests on."""
        return len(self.holds) + len(self.fails)


def judge_reduction(rows: Iterable[Row], claim: Claim) -> ReductionOutcome:
    """Sort rows by whether the candidate's peak is lower by at least the claimed share."""
    holds: list[Row] = []
    fails: list[Row] = []
    uncounted: list[Row] = []
    for row in rows:
        reduction = row.reduction_pct
        if not row.counts or reduction is None:
            uncounted.append(row)
        elif reduction >= claim.reduction_pct:
            holds.append(row)
        else:
            fails.append(row)
    return ReductionOutcome(
        holds=tuple(holds),
        fails=tuple(fails),
        uncounted=tuple(uncounted),
        mean_reduction_pct=mean_reduction_pct(row.reduction_pct for row in holds + fails),
        from_bytes=_holds_from(holds, fails),
    )


def _holds_from(holds: list[Row], fails: list[Row]) -> int | None:
    sizes = [row.raw_bytes for row in holds + fails]
    if not fails or None in sizes:
        return None
    largest = max(row.raw_bytes or 0 for row in fails)
    beyond = [row.raw_bytes for row in holds if row.raw_bytes and row.raw_bytes > largest]
    return min(beyond) if len(beyond) > 1 else None


def mean_reduction_pct(reductions: Iterable[float | None]) -> float | None:
    """Return the reduction that belongs to the geometric mean of the ratios behind `reductions`.

    Ratios are averaged geometrically because halving one peak and doubling another is no change.
    A reduction of 100 % has ratio 0 and makes the mean 100 %.
    """
    ratios = [1 - reduction / 100 for reduction in reductions if reduction is not None]
    if not ratios:
        return None
    if min(ratios) <= 0:
        return 100.0
    return 100 * (1 - statistics.geometric_mean(ratios))


class OvershootOutcome(Struct, frozen=True):
    """Whether the candidate's batches stayed within the claimed overshoot.

    `largest_bytes` is over every batch that reached the threshold. `unreached` rows had none:
    nothing was put to the test there.
    """

    holds: tuple[Row, ...]
    fails: tuple[Row, ...]
    unreached: tuple[Row, ...]
    largest_bytes: int | None


def judge_overshoot(rows: Iterable[Row], claim: Claim) -> OvershootOutcome:
    """Sort rows by whether every batch of the candidate that was not final kept to the claim."""
    holds: list[Row] = []
    fails: list[Row] = []
    unreached: list[Row] = []
    largest: list[int] = []
    for row in rows:
        batching = row.candidate.batching
        overshoot = None if batching is None else batching.largest_overshoot_bytes
        if overshoot is None:
            unreached.append(row)
            continue
        largest.append(overshoot)
        (holds if overshoot <= claim.overshoot_bytes else fails).append(row)
    return OvershootOutcome(
        holds=tuple(holds),
        fails=tuple(fails),
        unreached=tuple(unreached),
        largest_bytes=max(largest, default=None),
    )
