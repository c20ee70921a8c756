"""Lay out every job of a run: pure, so that the same request and seed give the same order.

What tells most comes first: the pipelines alone over all binaries, then extraction and pipeline,
then the instruments that add detail, and last what needs the machine to itself. Within each of
these, the smallest binary comes first. Every cell is preceded by the runs that show what its arms
deliver; the first of them over a binary leaves the package cache that source `replay` reads. In
their place `harness.run.standing_in` lets measured replicates show it, where they can.

Within a cell the arms alternate AB BA AB ..., so that a drift of the machine hits both alike; which
arm begins is drawn from the recorded seed.

A replicate index has the same hash seed and the same length of environment in all arms. They are
others for every index where times and resident sets are measured, which have modes: replicates in
one environment would agree on one of them. They are the same for all where bytes are: another seed
moves objects, and with them (see `harness.run.launcher`) some 55 bytes of a peak, which is no
property of any pipeline.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from random import Random

import msgspec
from msgspec import Struct, structs

from harness.config import MIB, PipelineOptions
from harness.intake import COUNT_PATH, VERIFY_PATH
from harness.limits.found import small_enough, smallest_first
from harness.records import CALL, VERIFY, Arm, Binary, Job, Record
from harness.run.extensions import ProbeTraits
from harness.run.flame import PROBE
from harness.run.frames import RECORD_REPLAY, UNMEASURED
from harness.run.request import RunRequest, sources_of
from harness.run.sources import DWARF, REPLAY

# Upper bounds of file size, because that is what is known before anything is read.
SIZE_CLASSES = {"tiny": MIB, "small": 4 * MIB, "medium": 16 * MIB, "large": math.inf}
_SOURCE_COST = {DWARF: 1.0, REPLAY: 0.1, CALL: 1.0}
_START_COST_BYTES = MIB  # an interpreter's start, in bytes of binary that take as long
_PAGE_BYTES = 4096
_TOP_UP_ORDER = 1_000_000  # behind every planned job, whatever their number


class RunContext(Struct, frozen=True, kw_only=True):
    """What a job needs to know of the run it is in.

    Attributes:
        request: What was asked for.
        run_id: Of the run.
        intake_url: Where batches are posted to.
        scratch: Where jobs put their files.
        work: An empty directory they are started in.
        traits: Those of each probe, by its name.
        replays: The path of each binary's package cache, by the binary's name.
        recorded: The paths of the package caches that are there and whole.
    """

    request: RunRequest
    run_id: str
    intake_url: str
    scratch: str
    work: str
    traits: dict[str, ProbeTraits]
    replays: dict[str, str] = {}
    recorded: frozenset[str] = frozenset()


class Plan(Struct, frozen=True, kw_only=True):
    """Jobs in the order they are to be started, and what was left out, for the user to read."""

    jobs: list[Job]
    not_measured: list[str]


def plan(context: RunContext) -> Plan:
    """Return the jobs of all binaries, verification included."""
    request = context.request
    jobs: list[Job] = []
    left_out: list[str] = []
    binaries = smallest_first(request.binaries)
    headline = headline_probe(context)
    recorded = set(context.recorded)
    for binary in binaries:
        jobs += _verification(context, binary, recorded)
        sources = sources_of(request, binary)
        if REPLAY in sources:
            jobs += _aside(context, binary, headline)
        if binary.sources:
            left_out += [
                f"source {source} of {binary.name}: left out in this tier"
                for source in request.sources
                if source not in sources
            ]
        for source in sources:
            for probe in request.probes:
                count = replicates_of(context, probe, source, binary)
                if not count and probe not in request.replicates:
                    left_out.append(f"{probe} on {source} of {binary.name}: too slow for its size")
                jobs += cell(context, binary, probe, source, range(count))
    if limits := request.memory_limits:
        left_out += [
            f"limit of {one.name}: tried only on the {limits.smallest} smallest, unless asked for"
            for one in small_enough(limits, binaries)[1]
        ]
    rank = {binary.name: at for at, binary in enumerate(binaries)}
    jobs.sort(key=lambda job: (phase(job, context.traits, headline), rank[job.binary]))
    return Plan(jobs=_numbered(jobs, context, 0), not_measured=left_out)


def headline_probe(context: RunContext) -> str:
    """Return the probe that has the best definition of peak heap, or the first if none has any."""

    def rank(probe: str) -> float:
        metrics = context.traits[probe].metrics
        return min((m.peak_rank for m in metrics if m.peak_rank), default=math.inf)

    return min(context.request.probes, key=rank)


def phase(job: Job, traits: Mapping[str, ProbeTraits], headline: str) -> int:
    """Return how soon a job's turn comes: 0 is what the first verdict waits for."""
    if traits[job.probe].alone:
        return 3
    if job.probe in {VERIFY, RECORD_REPLAY, headline} and not job.aside:
        return 0 if job.replay else 1
    return 2


def replicates_of(context: RunContext, probe: str, source: str, binary: Binary) -> int:
    """Return how often each arm of a cell is measured: as asked, or as its probe says."""
    asked = context.request.replicates.get(probe)
    if asked is not None:
        return asked
    traits = context.traits[probe]
    by_size = traits.cost.replicates.get(source)
    count = by_size[size_class(binary.size_bytes)] if by_size else _usual(traits)
    return max(count, 1) if probe == PROBE and context.request.keep_captures else count


def _usual(traits: ProbeTraits) -> int:
    """Return how often a probe measures that does not say: exact is shown by two that agree."""
    return 2 if traits.exact and not traits.cost.replicates else 1


def cell(
    context: RunContext, binary: Binary, probe: str, source: str, replicates: range
) -> list[Job]:
    """Return the jobs of one binary, probe and source, arms interleaved."""
    request = context.request
    draw = Random(f"{request.seed} {binary.name} {probe} {source}")  # noqa: S311  an order, no secret
    arms = draw.sample(request.arms, len(request.arms))
    traits = context.traits[probe]
    paired = probe not in request.replicates and source in traits.cost.paired
    return [
        structs.replace(
            unmeasured_job(context, binary, arm, source),
            probe=probe,
            probe_target=traits.target,
            replicate=replicate,
            hash_seed=hash_seed(request.seed, 0 if traits.exact else replicate),
            padding_bytes=0 if traits.exact else padding_bytes(request.seed, replicate),
            paired=paired,
        )
        for replicate in replicates
        for arm in (reversed(arms) if replicate % 2 else arms)
    ]


def hash_seed(seed: int, replicate: int) -> int:
    """Return PYTHONHASHSEED for a replicate index; never 0, which would switch hashing off."""
    return Random(f"{seed} {replicate}").randrange(1, 2**32)  # noqa: S311  reproducible on purpose


def padding_bytes(seed: int, replicate: int) -> int:
    """Return how much longer the environment of a replicate is made: less than a page."""
    return Random(f"{seed} {replicate} environment").randrange(_PAGE_BYTES)  # noqa: S311  likewise


def _aside(context: RunContext, binary: Binary, probe: str) -> list[Job]:
    """Return the jobs of the arms that nothing is compared with, verification included."""
    arms = context.request.aside
    alone = structs.replace(context, request=structs.replace(context.request, arms=arms))
    jobs = [unmeasured_job(alone, binary, arm, REPLAY) for arm in arms]
    jobs += cell(alone, binary, probe, REPLAY, range(replicates_of(alone, probe, REPLAY, binary)))
    return [structs.replace(job, aside=True) for job in jobs]


def _verification(context: RunContext, binary: Binary, recorded: set[str]) -> list[Job]:
    """Return the jobs that show what each arm delivers, and that fill the package cache.

    `recorded` are the package caches that are there, or will be; this one is added.
    """
    sources, arms = sources_of(context.request, binary), context.request.arms
    jobs = [unmeasured_job(context, binary, arm, source) for source in sources for arm in arms]
    if REPLAY not in sources or context.replays[binary.name] in recorded:
        return jobs
    recorded.add(context.replays[binary.name])
    if DWARF not in sources:
        return [replay_job(context, binary), *jobs]
    return [structs.replace(jobs[0], replay=context.replays[binary.name]), *jobs[1:]]


def top_up_jobs(context: RunContext, binary: Binary, records: Iterable[Record]) -> list[Job]:
    """Return further replicates for the cells whose exact metric did not come out the same twice.

    Both arms are topped up, so that the cell stays balanced.
    """
    exact = {(probe, metric.name) for probe, traits in context.traits.items()
             for metric in traits.metrics if metric.exact}  # fmt: skip
    values: dict[tuple[str, str, str, str], set[float]] = {}
    for record in records:
        job = record.job
        for metric, value in record.values.items():
            if record.status == "ok" and (job.probe, metric) in exact:
                values.setdefault((job.probe, job.source, job.arm, metric), set()).add(value)
    varying = {(key[0], key[1]) for key, found in values.items() if len(found) > 1}
    jobs: list[Job] = []
    for probe, source in sorted(varying):
        had = replicates_of(context, probe, source, binary)
        jobs += cell(context, binary, probe, source, range(had, context.request.top_up))
    return _numbered(jobs, context, _TOP_UP_ORDER)


def unmeasured_job(context: RunContext, binary: Binary, arm: Arm, source: str) -> Job:
    """Return the job that shows what one arm delivers from one source."""
    request = context.request
    name = upload_id(binary, arm, source, request.pipeline_options)
    return Job(
        run_id=context.run_id,
        binary=binary.name,
        binary_path=binary.path,
        binary_sha256=binary.sha256,
        arm=arm.name,
        source=source,
        probe=VERIFY,
        replicate=0,
        order=-1,
        pipeline=arm.pipeline,
        probe_target=UNMEASURED,
        intake_url=context.intake_url + VERIFY_PATH,
        scratch=f"{context.scratch}/v-{name}",
        replay=context.replays.get(binary.name, "") if source == REPLAY else "",
        share=binary.share,
        upload_id=name,
        hash_seed=hash_seed(request.seed, 0),
        timeout_s=request.timeout_s,
        pipeline_options=arm.options or request.pipeline_options,
        symbol_options=request.symbol_options,
        call=arm.call,
    )


def replay_job(context: RunContext, binary: Binary) -> Job:
    """Return the job that does nothing but write the package cache of a binary."""
    job = unmeasured_job(context, binary, context.request.arms[0], DWARF)
    return structs.replace(
        job,
        probe=RECORD_REPLAY,
        arm="",
        replay=context.replays[binary.name],
        scratch=f"{job.scratch}-replay",
    )


def upload_id(binary: Binary, arm: Arm, source: str, options: PipelineOptions) -> str:
    """Return an upload id that every replicate of a cell shares: it is part of the payload.

    No two cells of a run share it, or the intake would take one for a repetition of the other: two
    files of the same content differ by their names.
    """
    cell = (binary.name, binary.sha256, binary.share, arm.name, source, arm.options or options)
    digest = hashlib.sha256(msgspec.json.encode(cell)).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def size_class(size_bytes: int) -> int:
    """Return the index in `SIZE_CLASSES` of a binary of that size."""
    return next(at for at, bound in enumerate(SIZE_CLASSES.values()) if size_bytes < bound)


def job_cost(traits: ProbeTraits, source: str, size_bytes: int) -> float:
    """Return a weight in proportion to the time that a job is likely to take."""
    return (_START_COST_BYTES + size_bytes * _SOURCE_COST[source]) * traits.cost.slowdown


def _numbered(jobs: list[Job], context: RunContext, first: int) -> list[Job]:
    """Number the measured jobs: each posts to a folder of its own, by which the intake knows it.

    Folders and scratch directories get names of equal length, for they are on the heap.
    """
    numbered: list[Job] = []
    order = first
    for job in jobs:
        if job.probe in {VERIFY, RECORD_REPLAY}:
            numbered.append(job)
            continue
        scratch = f"{context.scratch}/{order:07d}"
        url = f"{context.intake_url}/{order:07d}{COUNT_PATH}"
        numbered.append(structs.replace(job, order=order, scratch=scratch, intake_url=url))
        order += 1
    return numbered
