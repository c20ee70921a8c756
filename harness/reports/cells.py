"""What a cell says: values of a summary as text, for every column and sentence that shows them.

`=` before a size means that at least two replicates agree to the byte, `~` that they differ and
the median is shown; a single replicate has neither. `?` after a change means that it proves
nothing. What is missing is named, never printed as a number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from harness.config import MIB
from harness.limits.edge import SURVIVED
from harness.limits.found import Found
from harness.records import Manifest, Overhead
from harness.stats.batches import Batching
from harness.stats.labels import distinct, inert
from harness.stats.metrics import CAPTURED
from harness.stats.quantity import Quantity
from harness.stats.ratio import BARE, Interval
from harness.stats.summary import ArmSummary, Row, Summary
from harness.tables import NOTHING, turn
from harness.units import format_bytes, format_value

_ARM_WIDTH = 10
_TO_A_WORD = re.compile(r".*[^\w.+-]")


def peak_cell(row: Row, arm: ArmSummary, *, spread: bool = False) -> str:
    """Return an arm's peak, or the status of what failed, or `missing`.

    With `spread`, largest minus smallest replicate stands behind a peak that varied.
    """
    if arm.peak is None:
        return row.why_missing(arm)
    shown = agreement(arm.peak) + format_bytes(arm.peak.median)
    varied = spread and arm.peak.spread > 0
    return f"{shown} (spread {format_bytes(arm.peak.spread)})" if varied else shown


def heading(key: str, arms: tuple[str, str]) -> tuple[str, str]:
    """Return the name of the baseline or candidate, and a short one without what both begin with.

    Two versions of a package are told apart by what follows its name: `0.9.0`.
    """
    arm = arms[key == "candidate"]
    shared = found[0] if (found := _TO_A_WORD.match(arms[1])) else ""
    wide = max(map(len, arms)) > _ARM_WIDTH and all(one.startswith(shared) for one in arms if one)
    start = len(shared) if wide else 0
    return arm, distinct((one[start:] for one in arms), _ARM_WIDTH)[arm[start:]]


def change_cell(row: Row) -> str:
    """Return the change of peak heap from baseline to candidate in per cent."""
    if row.reduction_pct is None:
        return NOTHING
    change = f"{-row.reduction_pct:+z.1f} %"
    return change if row.counts else f"{change}?"


def batches_cell(row: Row, *, alone: bool) -> str:
    """Return how many batches each arm sent, `1 -> 4`; of a candidate alone just that: `4`."""
    old, new = (_batch_count(arm.batching) for arm in row.arms)
    return new if alone else turn(old, new)


def limit_cell(row: Row, *, alone: bool) -> str:
    """Return the limit in MiB that each arm survives, `18 -> 14`; of an arm that was tried."""
    old, new = (NOTHING if arm.limit is None else limit_mib(arm.limit) for arm in row.arms)
    return new if alone else turn(old, new)


def limit_mib(found: Found) -> str:
    """Return a limit in MiB: `17..18` where it is no clean edge, `<=64` where one was tried."""
    edge = found.edge
    if edge is not None:
        ends = (edge.survives_bytes,) if edge.steady else (edge.killed_bytes, edge.survives_bytes)
        return "..".join(f"{end / MIB:g}" for end in ends)
    tried = sorted(found.outcomes)
    survived = [at for at in tried if found.at(at) == SURVIVED]
    if not tried:
        return NOTHING
    return f"<={survived[0] / MIB:g}" if survived else f">{tried[-1] / MIB:g}"


def overshoot_cell(row: Row) -> str:
    """Return the candidate's largest overshoot; `none` when it never reached its threshold."""
    if row.candidate.batching is None:
        return NOTHING
    largest = row.overshoot_bytes
    return "none" if largest is None else format_bytes(largest)


def overhead_cells(overhead: Overhead) -> tuple[str, str]:
    """Return what tracing made of CPU time and max RSS: `x 5.6`, `+84.1 MiB`."""
    return f"x {overhead.cpu_factor:.1f}", format_bytes(overhead.rss_bytes, signed=True)


def overhead_gap(manifest: Manifest) -> str:
    """Return why it is not known what the probes cost; empty where it is, or none was used."""
    probes = set(manifest.options.probes)
    if manifest.overhead or not probes - {BARE}:
        return ""
    if BARE not in probes:
        return f"The overhead of the probes was not measured: add --probe {BARE}."
    if manifest.unfinished:
        return "The overhead of the probes is worked out when a run ends."
    return "The overhead of the probes is not known: no case succeeded with one and without."


def iter_overhead_lines(manifest: Manifest) -> Iterator[str]:
    """Yield what each probe costs, so that no traced time is taken for a real one, or why not."""
    if gap := overhead_gap(manifest):
        yield gap
    for probe, overhead in manifest.overhead.items():
        cpu, rss = overhead_cells(overhead)
        yield f"Under probe {inert(probe)}: CPU time {cpu}, max RSS {rss}."


def capture_excess(summary: Summary) -> str:
    """Return by how much the peaks of captures exceed the peaks shown; empty if they are these."""
    pairs = [
        (arm.peak.median, captured.median)
        for row in summary.rows
        for arm in row.arms
        for captured in arm.quantities
        if arm.peak and captured.metric == CAPTURED
    ]
    if summary.metric == CAPTURED or not pairs:
        return ""
    bytes_more = [captured - peak for peak, captured in pairs]
    shares = [100 * (captured - peak) / peak for peak, captured in pairs if peak]
    low, high = (format_bytes(one, signed=True) for one in (min(bytes_more), max(bytes_more)))
    return (
        f"In captures, which copies are read from, peaks are larger by what attribution itself "
        f"takes: {low} to {high}, {min(shares):.1f} to {max(shares):.1f} %."
    )


def same_cell(row: Row) -> str:
    """Return whether both arms delivered the same scopes."""
    return {True: "yes", False: "NO", None: "?"}[row.same_output]


def ratio_parts(ratio: float | None, interval: Interval | None) -> list[str]:
    """Return candidate over baseline and its 90 % interval: `x 0.93`, `(0.85 to 1.02)`.

    `=x 1.00` where all replicates of both arms agree; `(?)` where too little is known of how far
    they differ: there is one, or those of each arm agree.
    """
    if ratio is None:
        return [NOTHING]
    if interval is None:
        return [f"x {ratio:.2f}", "(?)"]
    low, high = interval
    return (
        [f"=x {ratio:.2f}"]
        if low == high
        else [f"x {ratio:.2f}", f"({_times(low)} to {_times(high)})"]
    )


def _times(factor: float) -> str:
    return f"{factor:.2f}" if factor < 100 else f"{factor:,.0f}"


def agreement(peak: Quantity) -> str:
    """Return the sign of whether replicates agree; nothing for a single one."""
    if peak.replicates < 2:
        return ""
    return "=" if peak.exact else "~"


def quantity_cell(quantity: Quantity | None) -> str:
    """Return a median as it is read best, with the sign of whether its replicates agree."""
    if quantity is None:
        return NOTHING
    return agreement(quantity) + known(quantity.median, quantity.unit)


def _batch_count(batching: Batching | None) -> str:
    if batching is None:
        return NOTHING
    if batching.fewest == batching.most:
        return str(batching.most)
    return f"{batching.fewest}..{batching.most}"


_UNITS = {"byte": "bytes", "second": "s", "count": ""}


def known(value: float, unit: str) -> str:
    """Return one measured value as it is read best, and a dash for what is none."""
    return format_value(value, unit) if math.isfinite(value) else NOTHING


def exact(value: float, unit: str) -> str:
    """Return one value to the last digit: `1,016,160 bytes`."""
    if not math.isfinite(value):
        return NOTHING
    digits = f"{value:,.0f}" if value == round(value) else f"{value:,}"
    return f"{digits} {_UNITS.get(unit, unit)}".rstrip()


def share(part: float, whole: float) -> float:
    """Return `part` of `whole` in per cent, between 0 and 100, for the length of a bar."""
    return round(min(100.0, max(0.0, 100 * part / whole)), 2) if whole > 0 else 0.0


def describe(quantity: Quantity) -> str:
    """Return the exact median of a quantity, and what it is the median of."""
    spread = "" if quantity.low == quantity.high else f", spread {exact(quantity.spread, '')}"
    return f"{exact(quantity.median, quantity.unit)}, median of {quantity.replicates}{spread}"
