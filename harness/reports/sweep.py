"""The points of a sweep as a table: what each threshold costs, one row a binary and threshold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.reports.cells import iter_overhead_lines
from harness.reports.provenance import Provenance
from harness.stats.labels import shorten
from harness.stats.sweep import SweepPoint, fitting
from harness.units import format_bytes, format_seconds

SCHEMA = "harness.sweep/1"
_NAME_WIDTH = 24


class FittingEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The largest threshold that keeps the budget on one binary; null where none does.

    `reached` says whether any batch came to it: otherwise a larger input may need more.
    """

    binary: str
    threshold_bytes: int | None
    peak_bytes: int | None
    reached: bool | None


class SweepDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `harness sweep --json` prints; without a budget nothing is said to fit."""

    schema: str = SCHEMA
    run_id: str
    points: list[SweepPoint]
    budget_bytes: int | None
    largest_fitting: list[FittingEntry]


def sweep_document(
    points: Sequence[SweepPoint], origin: Provenance, budget_bytes: int | None
) -> SweepDocument:
    """Return the points, and what fits each binary when there is a budget."""
    answers = {} if budget_bytes is None else fitting(points, budget_bytes)
    return SweepDocument(
        run_id=origin.run_id,
        points=list(points),
        budget_bytes=budget_bytes,
        largest_fitting=[_fitting(binary, best) for binary, best in answers.items()],
    )


def _fitting(binary: str, best: SweepPoint | None) -> FittingEntry:
    return FittingEntry(
        binary=binary,
        threshold_bytes=None if best is None else best.threshold_bytes,
        peak_bytes=None if best is None else best.peak_bytes,
        reached=None if best is None else best.is_reached,
    )


def print_sweep(
    points: Sequence[SweepPoint],
    origin: Provenance,
    console: Console,
    budget_bytes: int | None = None,
) -> None:
    """Print the points, what each probe costs, and last what fits; a time not taken is empty."""
    console.print(_table(points))
    for line in iter_overhead_lines(origin):
        console.print(Text(line, style="dim"))
    if budget_bytes is not None:
        for line in _iter_answers(points, budget_bytes):
            console.print(Text(line, style="bold"))


def _iter_answers(points: Sequence[SweepPoint], budget_bytes: int) -> Iterator[str]:
    for binary, best in fitting(points, budget_bytes).items():
        name = shorten(binary, _NAME_WIDTH)
        if best is None:
            yield f"{name}: no threshold keeps the peak within {format_bytes(budget_bytes)}"
            continue
        fits = f"{format_bytes(best.threshold_bytes)} fits, at a peak of"
        never = "" if best.is_reached else "; it was never reached, a larger input may need more"
        yield f"{name}: {fits} {format_bytes(best.peak_bytes)}{never}"


def _table(points: Sequence[SweepPoint]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("binary", no_wrap=True)
    for name in ("threshold", "peak heap", "batches", "overshoot", "wall"):
        table.add_column(name, justify="right", no_wrap=True)
    for point in points:
        overshoot = point.overshoot_bytes
        table.add_row(
            Text(shorten(point.binary, _NAME_WIDTH)),
            format_bytes(point.threshold_bytes),
            format_bytes(point.peak_bytes),
            str(point.batches),
            "none" if overshoot is None else format_bytes(overshoot),
            "" if point.wall_s is None else format_seconds(point.wall_s),
        )
    return table
