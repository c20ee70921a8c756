"""Let a measured replicate show what its arm delivers, in place of a process that measures nothing.

The first replicate of an exact headline metric may: nothing exact depends on how long the intake
takes to read every scope. Whether a replicate posts to have its scopes read or its batches counted,
its heap is the same, for both addresses are of one length.

A process of its own stays where it leaves the package cache behind, where a callable digests what
it returns in that very process, and where the replicate fails in a way that its instrument may be
to blame for.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from harness.intake import VERIFY_PATH
from harness.records import CALL, VERIFY, Cell, Job, Record
from harness.run.plan import RunContext
from harness.run.sources import DWARF

Replicate = tuple[str, str, str, str, int]

_OF_THE_WORK = {"ok", "mismatch", "rejected"}
"""How a replicate ends that tells of the pipeline and its input, whatever the instrument."""


def replicate_of(job: Job) -> Replicate:
    """Return what identifies a replicate within its run."""
    return (job.binary, job.arm, job.source, job.probe, job.replicate)


def records_packages(job: Job) -> bool:
    """Tell whether a job leaves a package cache behind."""
    return job.source == DWARF and bool(job.replay)


def stand_in(
    jobs: Iterable[Job], context: RunContext, headline: str
) -> tuple[list[Job], dict[Replicate, Job]]:
    """Return the jobs to do, and by replicate the verification that it stands in for."""
    jobs = list(jobs)
    traits = context.traits[headline]
    first: dict[Cell, Job] = {}
    if traits.exact and not traits.alone:
        first = {
            job.cell: job
            for job in jobs
            if job.probe == headline and job.replicate == 0 and job.source != CALL
        }
    left_to = {
        replicate_of(first[job.cell]): job
        for job in jobs
        if job.probe == VERIFY and job.cell in first and not records_packages(job)
    }
    replaced = {replicate_of(job) for job in left_to.values()}
    kept = [job for job in jobs if replicate_of(job) not in replaced]
    return [_verifying(j, context) if replicate_of(j) in left_to else j for j in kept], left_to


def shown_by(record: Record, verification: Job) -> Record | None:
    """Return what a replicate shows of a delivery; None if that takes a process of its own."""
    if record.status not in _OF_THE_WORK:
        return None
    return structs.replace(
        record, job=verification, values={}, collections=[], timeline=[], holdings=[]
    )


def _verifying(job: Job, context: RunContext) -> Job:
    """Return the job with an address under which every scope is read, as long as the other one."""
    return structs.replace(job, intake_url=f"{context.intake_url}/{job.order:06d}{VERIFY_PATH}")
