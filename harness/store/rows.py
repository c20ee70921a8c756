"""Turn the record of one replicate into the rows of every table it has something for."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from harness.records import Counters, Record
from harness.store.tables import (
    BATCHES,
    COPIES,
    DELIVERIES,
    FAILURES,
    GC,
    SAMPLES,
    TIMELINE,
    BatchRow,
    CollectionRow,
    CopyRow,
    DeliveryRow,
    FailureRow,
    Row,
    SampleRow,
    TimelineRow,
)

VERIFY = "verify"


def rows_of(record: Record) -> dict[str, list[Row]]:
    """Return the rows of `record` by table; `samples` comes last, because it commits the others."""
    ok = record.status == "ok"
    if record.job.probe == VERIFY:
        rows: dict[str, list[Row]] = {DELIVERIES: [_delivery(record)]}
    elif ok:
        rows = _observations(record)
    else:
        rows = {}
    if not ok:
        rows[FAILURES] = [_failure(record)]
    rows[SAMPLES] = _samples(record)
    return {table: found for table, found in rows.items() if found}


def _cell(record: Record) -> dict[str, Any]:
    job = record.job
    return {"run_id": job.run_id, "binary": job.binary, "arm": job.arm, "source": job.source}


def _observations(record: Record) -> dict[str, list[Row]]:
    cell = {**_cell(record), "replicate": record.job.replicate}
    probe = record.job.probe
    return {
        BATCHES: [BatchRow(**cell, probe=probe, **structs.asdict(b)) for b in record.batches],
        GC: [CollectionRow(**cell, **structs.asdict(c)) for c in record.collections],
        TIMELINE: [TimelineRow(**cell, probe=probe, **structs.asdict(p)) for p in record.timeline],
        COPIES: _copies(record, cell),
    }


def _copies(record: Record, cell: dict[str, Any]) -> list[Row]:
    payload_bytes = max((batch.raw_bytes for batch in record.batches), default=0)
    return [
        CopyRow(
            **cell,
            stage=holding.stage,
            location=holding.location,
            bytes=holding.size_bytes,
            copies=holding.size_bytes / payload_bytes if payload_bytes else 0.0,
        )
        for holding in record.holdings
    ]


def _samples(record: Record) -> list[Row]:
    job = record.job
    place = {
        **_cell(record),
        "binary_sha256": job.binary_sha256,
        "probe": job.probe,
        "replicate": job.replicate,
        "order": job.order,
        "status": record.status,
    }
    if record.status != "ok":
        return [SampleRow(**place, metric="", unit="", value=None)]
    return [SampleRow(**place, **structs.asdict(metric)) for metric in record.metrics]


def _delivery(record: Record) -> Row:
    counters = structs.asdict(record.counters or Counters())
    return DeliveryRow(
        **_cell(record),
        status=record.status,
        digest=record.digest,
        **counters,
        language=record.language,
        skipped=record.skipped,
    )


def _failure(record: Record) -> Row:
    job = record.job
    return FailureRow(
        **_cell(record),
        probe=job.probe,
        replicate=job.replicate,
        order=job.order,
        status=record.status,
        detail=record.detail,
    )
