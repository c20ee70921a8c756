"""What a run knows already: nothing at first, everything stored when it is resumed."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from harness.records import Counters, Job, Record
from harness.run.executor import Cell
from harness.run.plan import Observation
from harness.store import read_rows
from harness.store.tables import DELIVERIES, SAMPLES, DeliveryRow, SampleRow

Replicate = tuple[str, str, str, str, int]


class Past(Struct, kw_only=True):
    """What need not be done again.

    `delivered` holds the cells that were verified, with whatever outcome; `expected` the work of
    those that were confirmed; `done` the replicates that have a record; `observations` their
    values, by binary.
    """

    delivered: set[Cell] = set()
    expected: dict[Cell, Counters] = {}
    done: set[Replicate] = set()
    observations: dict[str, list[Observation]] = {}

    def has(self, job: Job) -> bool:
        """Tell whether the job has a record."""
        return (job.binary, job.arm, job.source, job.probe, job.replicate) in self.done

    def add(self, record: Record) -> None:
        """Take in what was just stored."""
        job = record.job
        self.done.add((job.binary, job.arm, job.source, job.probe, job.replicate))
        self.observations.setdefault(job.binary, []).extend(
            Observation(
                probe=job.probe,
                source=job.source,
                arm=job.arm,
                metric=metric.metric,
                value=metric.value,
            )
            for metric in record.metrics
            if record.status == "ok"
        )


def read_past(run_dir: Path) -> Past:
    """Return what a run directory holds.

    Raises:
        StoreError: A line in it is damaged.
    """
    past = Past()
    for row in read_rows(run_dir, SAMPLES, []):
        assert isinstance(row, SampleRow)
        past.done.add((row.binary, row.arm, row.source, row.probe, row.replicate))
        if row.value is not None:
            past.observations.setdefault(row.binary, []).append(
                Observation(
                    probe=row.probe,
                    source=row.source,
                    arm=row.arm,
                    metric=row.metric,
                    value=row.value,
                )
            )
    for row in read_rows(run_dir, DELIVERIES, []):
        assert isinstance(row, DeliveryRow)
        cell = (row.binary, row.arm, row.source)
        past.delivered.add(cell)
        if row.status == "ok":
            past.expected[cell] = Counters(
                packages=row.packages,
                scopes=row.scopes,
                functions=row.functions,
                batches=row.batches,
                raw_bytes=row.raw_bytes,
                payload_bytes=row.payload_bytes,
                dropped=row.dropped,
            )
    return past
