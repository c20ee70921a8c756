"""The rows of the large table: what each cell shows, what it is sorted by, how long its bar is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.reports import cells
from harness.reports.page.values import exact, share
from harness.reports.page.verdict import Standing, row_standing
from harness.stats.claim import Claim
from harness.stats.copies import Held
from harness.stats.quantity import Quantity
from harness.stats.summary import Arm, Row, Summary


@dataclass(frozen=True, slots=True)
class Cell:
    """What one cell shows; `key` orders it, None after everything else. `title` is exact."""

    text: str
    key: float | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One row. `bars` are per cent of the largest peak of all; `kept_pct` of the baseline's."""

    row: Row
    anchor: str
    standing: Standing
    change: Cell
    baseline: Cell
    candidate: Cell
    bars: tuple[float, float]
    kept_pct: float | None
    batches: Cell
    overshoot: Cell
    copies: Cell
    ratios: tuple[Cell, ...]

    @property
    def same(self) -> str:
        """Whether both arms delivered the same scopes."""
        return cells.same_cell(self.row)


def iter_results(
    summary: Summary, claim: Claim, anchors: Mapping[str, str], held: Sequence[Held]
) -> Iterator[Result]:
    """Yield the rows in the order of the summary.

    Args:
        summary: What was found.
        claim: What each row is held against.
        anchors: Where each binary's detail is on the page.
        held: The copies that were alive at the peaks.
    """
    copied = {(one.binary, one.source, one.arm): one.total for one in held}
    largest = max((_median(arm) for row in summary.rows for arm in _arms(row)), default=0.0)
    for row in summary.rows:
        batching = row.candidate.batching
        yield Result(
            row=row,
            anchor=anchors[row.binary],
            standing=row_standing(row, claim),
            change=Cell(cells.change_cell(row), _negative(row.reduction_pct)),
            baseline=_peak(row, row.baseline),
            candidate=_peak(row, row.candidate),
            bars=(share(_median(row.baseline), largest), share(_median(row.candidate), largest)),
            kept_pct=None if row.reduction_pct is None else share(100 - row.reduction_pct, 100),
            batches=Cell(cells.batches_cell(row), batching.most if batching else None),
            overshoot=Cell(
                cells.overshoot_cell(row), batching.largest_overshoot_bytes if batching else None
            ),
            copies=Cell(cells.copies_cell(row, held), copied.get(_cell_key(row))),
            ratios=tuple(
                Cell(cells.ratio_cell(row, metric), row.ratio(metric))
                for metric in ("wall", "cpu", "rss_peak")
            ),
        )


def describe(quantity: Quantity) -> str:
    """Return the exact median of a quantity, and what it is the median of."""
    spread = "" if quantity.low == quantity.high else f", spread {exact(quantity.spread, '')}"
    return f"{exact(quantity.median, quantity.unit)}, median of {quantity.replicates}{spread}"


def _peak(row: Row, arm: Arm) -> Cell:
    text = cells.peak_cell(row, arm)
    return Cell(text, arm.peak.median, describe(arm.peak)) if arm.peak else Cell(text)


def _cell_key(row: Row) -> tuple[str, str, str]:
    return row.binary, row.source, row.baseline.name


def _arms(row: Row) -> tuple[Arm, Arm]:
    return row.baseline, row.candidate


def _median(arm: Arm) -> float:
    return arm.peak.median if arm.peak else 0.0


def _negative(number: float | None) -> float | None:
    return None if number is None else -number
