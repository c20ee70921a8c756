"""Ask how the peak depends on something: the size of the input, or the flush threshold."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, structs

from harness.config import KIB, PipelineOptions
from harness.run.request import Arm, Binary
from harness.store import read_rows
from harness.store.tables import BATCHES, SAMPLES, BatchRow, SampleRow

SHARES = (0.125, 0.25, 0.5)
THRESHOLDS = tuple(64 * KIB << power for power in range(8))


def prefixes(binary: Binary, shares: tuple[float, ...] = SHARES) -> list[Binary]:
    """Return growing parts of a binary, each an input of its own; the whole is not among them."""
    return [
        structs.replace(
            binary,
            name=f"{binary.name} [{share:.1%}]",
            size_bytes=round(binary.size_bytes * share),
            share=share,
        )
        for share in shares
    ]


def sweep_arms(
    arm: Arm, options: PipelineOptions, thresholds: tuple[int, ...] = THRESHOLDS
) -> list[Arm]:
    """Return one arm for each flush threshold, named `<arm> @ <KiB>`."""
    return [
        Arm(
            name=f"{arm.name} @ {threshold // KIB} KiB",
            pipeline=arm.pipeline,
            options=structs.replace(arm.options or options, threshold_bytes=threshold),
        )
        for threshold in thresholds
    ]


class SweepPoint(Struct, frozen=True, kw_only=True):
    """What one threshold came to on one binary; values are the worst of the replicates.

    `overshoot_bytes` is the largest of any batch that is not final, None when there is none.
    """

    binary: str
    arm: str
    threshold_bytes: int
    peak_bytes: float
    batches: int
    overshoot_bytes: int | None
    wall_s: float | None


def read_sweep(run_dir: Path, source: str, metric: str = "heap_peak_memray") -> list[SweepPoint]:
    """Return the points of a sweep that was run into `run_dir`, by binary and threshold.

    Raises:
        StoreError: The run cannot be read.
    """
    values: dict[tuple[str, str, str], list[float]] = {}
    for row in read_rows(run_dir, SAMPLES, []):
        if isinstance(row, SampleRow) and row.source == source and row.value is not None:
            values.setdefault((row.binary, row.arm, row.metric), []).append(row.value)
    flushed: dict[tuple[str, str], list[BatchRow]] = {}
    for batch in read_rows(run_dir, BATCHES, []):
        if isinstance(batch, BatchRow) and (batch.source, batch.replicate) == (source, 0):
            flushed.setdefault((batch.binary, batch.arm), []).append(batch)
    points = [
        SweepPoint(
            binary=binary,
            arm=arm,
            threshold_bytes=batches[0].threshold_bytes,
            peak_bytes=max(values[binary, arm, metric]),
            batches=len(batches),
            overshoot_bytes=max((b.overshoot_bytes for b in batches if not b.final), default=None),
            wall_s=max(values.get((binary, arm, "wall"), []), default=None),
        )
        for (binary, arm), batches in flushed.items()
        if (binary, arm, metric) in values
    ]
    return sorted(points, key=lambda point: (point.binary, point.threshold_bytes))


def largest_within(points: list[SweepPoint], budget_bytes: float) -> SweepPoint | None:
    """Return the point with the largest threshold whose peak is within the budget, if any is."""
    fitting = [point for point in points if point.peak_bytes <= budget_bytes]
    return max(fitting, key=lambda point: point.threshold_bytes, default=None)
