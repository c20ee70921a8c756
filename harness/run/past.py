"""What a run knows already: nothing at first, everything stored when it is resumed."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from harness.records import VERIFY, Counters, Job, Record
from harness.run.executor import Cell
from harness.run.plan import Observation
from harness.store import read_records

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
                metric=metric,
                value=value,
            )
            for metric, value in record.values.items()
            if record.status == "ok"
        )


def read_past(run_dir: Path) -> Past:
    """Return what a run directory holds.

    Raises:
        StoreError: A line in it is damaged.
    """
    past = Past()
    for record in read_records(run_dir, []):
        past.add(record)
        job = record.job
        if job.probe == VERIFY:
            cell = (job.binary, job.arm, job.source)
            past.delivered.add(cell)
            if record.status == "ok" and record.counters is not None:
                past.expected[cell] = record.counters
    return past
