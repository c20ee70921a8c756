"""The schema of a run directory: one struct a table, one field a column, in the order on disk.

Every table is long: one observation a line, and each line says by itself which run, binary, arm
and replicate it belongs to. Sizes are exact bytes and durations seconds; formatting is for reports.
"""

from __future__ import annotations

from msgspec import Struct

FORMAT = 1


class SampleRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measured value, or one replicate that failed: metric and unit empty, value null."""

    run_id: str
    binary: str
    binary_sha256: str
    arm: str
    source: str
    probe: str
    replicate: int
    order: int
    status: str
    metric: str
    unit: str
    value: float | None


class BatchRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One flushed batch of one replicate.

    Probes of the same replicate flush the same batches, so only the first of them to arrive is
    kept; `probe` says which, and `at_s` is on that probe's clock.
    """

    run_id: str
    binary: str
    arm: str
    source: str
    replicate: int
    batch_num: int
    scopes: int
    functions: int
    raw_bytes: int
    payload_bytes: int
    threshold_bytes: int
    overshoot_bytes: int
    final: bool
    probe: str
    at_s: float


class CollectionRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run of the cyclic garbage collector, under probe `gc`."""

    run_id: str
    binary: str
    arm: str
    source: str
    replicate: int
    generation: int
    start_s: float
    duration_s: float
    heap_before_bytes: int
    heap_after_bytes: int
    collected: int
    uncollectable: int


class TimelineRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Live heap at one moment since the probe started.

    `generation` is that of a garbage collection which began then, in this very process; -1 at any
    other moment.
    """

    run_id: str
    binary: str
    arm: str
    source: str
    probe: str
    replicate: int
    at_s: float
    heap_bytes: int
    generation: int = -1


class CopyRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one source line holds at the peak; `bytes` over all rows of a replicate sum to it.

    `copies` is `bytes` over the raw JSON bytes of the replicate's largest batch.
    """

    run_id: str
    binary: str
    arm: str
    source: str
    replicate: int
    stage: str
    location: str
    bytes: int
    copies: float


class DeliveryRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What reached the intake in the unmeasured verification run of one cell.

    Two arms delivered the same scopes when their digests are equal. `skipped` counts, by reason,
    what the source left out.
    """

    run_id: str
    binary: str
    arm: str
    source: str
    status: str
    digest: str
    packages: int
    scopes: int
    functions: int
    batches: int
    raw_bytes: int
    payload_bytes: int
    dropped: int
    language: str
    skipped: dict[str, int]


class FailureRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a replicate does not count: the other half of its row in samples."""

    run_id: str
    binary: str
    arm: str
    source: str
    probe: str
    replicate: int
    order: int
    status: str
    detail: str


Row = SampleRow | BatchRow | CollectionRow | TimelineRow | CopyRow | DeliveryRow | FailureRow

SAMPLES, BATCHES, GC = "samples", "batches", "gc"
TIMELINE, COPIES, DELIVERIES, FAILURES = "timeline", "copies", "deliveries", "failures"

TABLES: dict[str, type[Row]] = {
    SAMPLES: SampleRow,
    BATCHES: BatchRow,
    GC: CollectionRow,
    TIMELINE: TimelineRow,
    COPIES: CopyRow,
    DELIVERIES: DeliveryRow,
    FAILURES: FailureRow,
}
