"""What stands in each cell of the summary table, in the terminal and in Markdown alike.

`=` before a size means that at least two replicates agree to the byte, `~` that they differ and
the median is shown; a single replicate has neither. `?` after a change means that it proves
nothing. What is missing is named, never printed as a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.reports.provenance import Overhead, Provenance
from harness.stats.batches import Batching
from harness.stats.copies import Held
from harness.stats.labels import inert
from harness.stats.quantity import Quantity
from harness.stats.summary import Arm, Row
from harness.units import format_bytes

NOTHING = "-"


def peak_cell(row: Row, arm: Arm, *, spread: bool = False) -> str:
    """Return an arm's peak, or the status of what failed, or `missing`.

    With `spread`, largest minus smallest replicate stands behind a peak that varied.
    """
    if arm.peak is None:
        statuses = (f.status for f in row.failures if f.arm in (arm.name, ""))
        return next(statuses, "missing")
    shown = _agreement(arm.peak) + format_bytes(arm.peak.median)
    varied = spread and arm.peak.spread > 0
    return f"{shown} (spread {format_bytes(arm.peak.spread)})" if varied else shown


def change_cell(row: Row) -> str:
    """Return the change of peak heap from baseline to candidate in per cent."""
    if row.reduction_pct is None:
        return NOTHING
    change = f"{-row.reduction_pct:+.1f} %"
    return change if row.counts else f"{change}?"


def batches_cell(row: Row) -> str:
    """Return how many batches each arm sent: `1 > 4`."""
    old, new = (_batch_count(arm.batching) for arm in (row.baseline, row.candidate))
    return f"{old} > {new}"


def overshoot_cell(row: Row) -> str:
    """Return the candidate's largest overshoot; `none` when it never reached its threshold."""
    batching = row.candidate.batching
    if batching is None:
        return NOTHING
    if batching.largest_overshoot_bytes is None:
        return "none"
    return format_bytes(batching.largest_overshoot_bytes)


def copies_cell(row: Row, held: Sequence[Held]) -> str:
    """Return how many whole copies of the payload each arm holds at its peak: `2.3 > 0.0`."""
    totals = {(one.binary, one.source, one.arm): f"{one.total:.1f}" for one in held}
    old, new = (
        totals.get((row.binary, row.source, arm.name), NOTHING)
        for arm in (row.baseline, row.candidate)
    )
    return f"{old} > {new}"


def overhead_cells(overhead: Overhead) -> tuple[str, str]:
    """Return what tracing made of CPU time and max RSS: `x 5.6`, `+84.1 MiB`."""
    return f"x {overhead.cpu_factor:.1f}", format_bytes(overhead.rss_bytes, signed=True)


def iter_overhead_lines(provenance: Provenance) -> Iterator[str]:
    """Yield a sentence a probe, so that nobody takes a traced time for a real one, or why not."""
    if provenance.overhead_gap:
        yield provenance.overhead_gap
    for overhead in provenance.overheads:
        cpu, rss = overhead_cells(overhead)
        yield f"Under probe {inert(overhead.probe)}: CPU time {cpu}, max RSS {rss}."


def same_cell(row: Row) -> str:
    """Return whether both arms delivered the same scopes."""
    return {True: "yes", False: "NO", None: "?"}[row.same_output]


def ratio_cell(row: Row, metric: str) -> str:
    """Return candidate over baseline of something the bare probe measured: `x 0.93`."""
    ratio = row.ratio(metric)
    return NOTHING if ratio is None else f"x {ratio:.2f}"


def _agreement(peak: Quantity) -> str:
    if peak.replicates < 2:
        return ""
    return "=" if peak.exact else "~"


def _batch_count(batching: Batching | None) -> str:
    if batching is None:
        return NOTHING
    if batching.fewest == batching.most:
        return str(batching.most)
    return f"{batching.fewest}..{batching.most}"
