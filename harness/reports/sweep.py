"""The points of a sweep as a table: what each threshold costs, one row per binary and threshold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from harness.printing import print_table
from harness.records import Manifest
from harness.reports.cells import iter_overhead_lines
from harness.stats.labels import shorten
from harness.stats.sweep import SweepPoint, fitting
from harness.tables import Column
from harness.units import format_bytes, format_exactly, format_seconds

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
    """What `harness sweep --json` prints; without a budget nothing is said to fit.

    `budget_bytes` is one of peak heap, `limit_bytes` one of memory that the kernel enforced.
    """

    schema: str = SCHEMA
    run_id: str
    points: list[SweepPoint]
    budget_bytes: int | None
    limit_bytes: int | None = None
    largest_fitting: list[FittingEntry]


def sweep_document(
    points: Sequence[SweepPoint], manifest: Manifest, budget_bytes: int | None
) -> SweepDocument:
    """Return the points, and what fits each binary when there is a budget or a limit."""
    limit_bytes = limit_of(manifest)
    asked = budget_bytes is not None or limit_bytes is not None
    answers = fitting(points, budget_bytes) if asked else {}
    return SweepDocument(
        run_id=manifest.run_id,
        points=list(points),
        budget_bytes=budget_bytes,
        limit_bytes=limit_bytes,
        largest_fitting=[_fitting(binary, best) for binary, best in answers.items()],
    )


def limit_of(manifest: Manifest) -> int | None:
    """Return the memory limit that every threshold was tried under, if one was."""
    limits = manifest.options.memory_limits
    return limits.under_bytes[0] if limits else None


def _fitting(binary: str, best: SweepPoint | None) -> FittingEntry:
    return FittingEntry(
        binary=binary,
        threshold_bytes=None if best is None else best.threshold_bytes,
        peak_bytes=None if best is None else best.peak_bytes,
        reached=None if best is None else best.is_reached,
    )


def print_sweep(
    points: Sequence[SweepPoint],
    manifest: Manifest,
    console: Console,
    budget_bytes: int | None = None,
) -> None:
    """Print the points, what each probe costs, and last what fits; a time not taken is empty."""
    limit_bytes = limit_of(manifest)
    shown = [one for one in _COLUMNS if limit_bytes is not None or one.key != "outcome"]
    print_table(shown, points, console)
    for line in iter_overhead_lines(manifest):
        console.print(Text(line, style="dim"))
    if budget_bytes is not None:
        kept = f"keeps to {format_bytes(budget_bytes)}"
    elif limit_bytes is not None:
        kept = f"survives a memory limit of {format_exactly(limit_bytes)}"
    else:
        return
    for line in _iter_answers(points, budget_bytes, kept):
        console.print(Text(line, style="bold"), soft_wrap=True)


def _iter_answers(
    points: Sequence[SweepPoint], budget_bytes: int | None, kept: str
) -> Iterator[str]:
    for binary, best in fitting(points, budget_bytes).items():
        name = shorten(binary, _NAME_WIDTH)
        if best is None:
            yield f"{name}: no threshold {kept}"
            continue
        fits = f"{format_bytes(best.threshold_bytes)} {kept}"
        never = "" if best.is_reached else "; it was never reached, a larger input may need more"
        yield f"{name}: {fits}, at a peak heap of {format_bytes(best.peak_bytes)}{never}"


_COLUMNS: list[Column[SweepPoint]] = [
    Column("binary", lambda one: one.binary, kind="name", most=_NAME_WIDTH),
    Column("threshold", lambda one: format_bytes(one.threshold_bytes), kind="number"),
    Column("peak", lambda one: format_bytes(one.peak_bytes), kind="number", header="peak heap"),
    Column(
        "disk",
        lambda one: "" if one.disk_peak_bytes is None else format_bytes(one.disk_peak_bytes),
        kind="number",
        header="on disk",
    ),
    Column("batches", lambda one: str(one.batches), kind="number"),
    Column(
        "overshoot",
        lambda one: "none" if one.overshoot_bytes is None else format_bytes(one.overshoot_bytes),
        kind="number",
    ),
    Column(
        "wall", lambda one: "" if one.wall_s is None else format_seconds(one.wall_s), kind="number"
    ),
    Column("outcome", lambda one: one.outcome or "?", kind="number", header="at limit"),
]
