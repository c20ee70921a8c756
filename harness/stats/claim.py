"""Hold a summary against what was claimed: for which binaries is it true, and for which not?"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable

from msgspec import Struct

from harness.config import Claim
from harness.stats.summary import Row

CLAIM = Claim()
"""What every run is held against."""


class ReductionOutcome(Struct, frozen=True):
    """Which rows bear a claim out.

    `uncounted` rows carry doubts and prove nothing.
    """

    holds: tuple[Row, ...]
    fails: tuple[Row, ...]
    uncounted: tuple[Row, ...]

    @property
    def counted(self) -> int:
        """The number of rows that the verdict rests on."""
        return len(self.holds) + len(self.fails)

    @property
    def mean_reduction_pct(self) -> float | None:
        """That of the geometric mean of the ratios of all peaks that count; None without any."""
        return mean_reduction_pct(row.reduction_pct for row in self.holds + self.fails)

    @property
    def from_bytes(self) -> int | None:
        """The size, in bytes of JSON, from which on the claim holds for every row that counts.

        It is that of the smallest of at least two which are all larger than any that fails. None
        when there are no two of them, when nothing fails, or when some size is not known.
        """
        if not self.fails or None in (row.raw_bytes for row in self.holds + self.fails):
            return None
        largest = max(row.raw_bytes or 0 for row in self.fails)
        beyond = [row.raw_bytes for row in self.holds if (row.raw_bytes or 0) > largest]
        return min(filter(None, beyond)) if len(beyond) > 1 else None


def judge_reduction(rows: Iterable[Row], claim: Claim = CLAIM) -> ReductionOutcome:
    """Sort rows by whether the candidate's peak is lower by at least the claimed share."""
    return ReductionOutcome(*_sorted_by(rows, lambda row: keeps_reduction(row, claim)))


def keeps_reduction(row: Row, claim: Claim = CLAIM) -> bool | None:
    """Tell whether a row bears the claimed reduction out; None where it proves nothing."""
    counts = row.counts and row.reduction_pct is not None
    return (row.reduction_pct or 0) >= claim.reduction_pct if counts else None


def _sorted_by(rows: Iterable[Row], keeps: Callable[[Row], bool | None]) -> list[tuple[Row, ...]]:
    """Return the rows that keep to a claim, those that do not, and those that tell nothing."""
    judged = [(keeps(row), row) for row in rows]
    return [tuple(row for kept, row in judged if kept is kind) for kind in (True, False, None)]


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

    `unreached` rows had no batch that reached the threshold: nothing was put to the test there.
    """

    holds: tuple[Row, ...]
    fails: tuple[Row, ...]
    unreached: tuple[Row, ...]

    @property
    def largest_bytes(self) -> int | None:
        """The largest overshoot of every batch that reached the threshold; None without any."""
        reached = (row.overshoot_bytes for row in self.holds + self.fails)
        return max((one for one in reached if one is not None), default=None)


def judge_overshoot(rows: Iterable[Row]) -> OvershootOutcome:
    """Sort rows by whether every batch of the candidate that was not final kept to the claim."""
    return OvershootOutcome(*_sorted_by(rows, keeps_overshoot))


def keeps_overshoot(row: Row) -> bool | None:
    """Tell whether every batch of the candidate kept to the claim; None where none reached it."""
    return None if row.overshoot_bytes is None else row.overshoot_bytes <= CLAIM.overshoot_bytes
