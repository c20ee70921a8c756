"""The stored collections of a run as text, one line each, in the spirit of Go's gctrace=1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.errors import StoreError
from harness.probes.gc_trace import trace_line
from harness.records import Job, Record
from harness.stats.labels import inert

if TYPE_CHECKING:
    from harness.store.reader import Run

_PROBE, _COUNT = "gc", "gc_runs"


def iter_gc_lines(run: Run, warnings: list[str]) -> Iterator[str]:
    """Yield a heading for each replicate under probe gc, and below it a line per collection.

    What is not as a clean run would leave it goes into `warnings`, a trace among them that has
    not as many collections as the probe has counted.

    Raises:
        StoreError: No collector was watched.
    """
    warnings += run.warnings
    traces = [one for one in run.records if one.job.probe == _PROBE and one.status == "ok"]
    if not traces:
        raise StoreError(
            f"{run.path}: no replicate ran under probe gc", remedy="measure with --probe gc"
        )
    for record in sorted(traces, key=lambda one: (*one.job.cell, one.job.replicate)):
        heading = _heading(record.job)
        yield heading
        found = sorted(record.collections, key=lambda one: one.start_s)
        for number, collection in enumerate(found, start=1):
            yield trace_line(number, collection)
        if len(found) != _counted(record):
            warnings.append(
                f"{heading}: {len(found)} collections are stored, {_counted(record)} were counted"
            )


def _counted(record: Record) -> int:
    return int(record.values.get(_COUNT, 0))


def _heading(job: Job) -> str:
    binary, source, arm = map(inert, (job.binary, job.source, job.arm))
    return f"# {binary}, source {source}, {arm}, replicate {job.replicate}"
