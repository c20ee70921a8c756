"""Lay out every job of a run: pure, so that the same request and seed give the same order.

Binaries come smallest first. Within a cell the arms alternate AB BA AB ..., so that a drift of the
machine hits both alike; which arm begins is drawn from the recorded seed. A replicate index has
the same hash seed in all arms. It is another for every index where times are measured, and one for
all where bytes are: another seed moves objects, and with them (see `harness.run.launcher`) some 55
bytes of a peak, which is no property of any pipeline.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from random import Random

import msgspec
from msgspec import Struct, structs

from harness.config import MIB, PipelineOptions
from harness.intake import COUNT_PATH, VERIFY_PATH
from harness.records import VERIFY, Arm, Binary, Job
from harness.run.extensions import ProbeTraits
from harness.run.frames import RECORD_REPLAY, UNMEASURED
from harness.run.request import RunRequest, sources_of
from harness.run.sources import DWARF, REPLAY

# Upper bounds of file size, because that is what is known before anything is read.
SIZE_CLASSES = {"tiny": MIB, "small": 4 * MIB, "medium": 16 * MIB, "large": math.inf}
_SOURCE_COST = {DWARF: 1.0, REPLAY: 0.35}
_START_COST_BYTES = MIB  # an interpreter's start, in bytes of binary that take as long
_TOP_UP_ORDER = 1_000_000  # behind every planned job, whatever their number


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a job needs to know of the run it is in.

    `scratch` is where jobs put their files, `work` an empty directory they are started in;
    `replays` gives the package cache by binary.
    """

    run_id: str
    intake_url: str
    scratch: str
    work: str
    traits: dict[str, ProbeTraits]
    replays: dict[str, str] = {}


class Plan(Struct, frozen=True, kw_only=True):
    """Jobs in the order they are to be started, and what was left out, for the user to read."""

    jobs: list[Job]
    not_measured: list[str]


class Observation(Struct, frozen=True, kw_only=True):
    """One value of one cell of a binary."""

    probe: str
    source: str
    arm: str
    metric: str
    value: float


def plan(request: RunRequest, around: Surroundings) -> Plan:
    """Return the measured jobs of all binaries."""
    jobs: list[Job] = []
    left_out: list[str] = []
    for binary in smallest_first(request.binaries):
        for probe in request.probes:
            for source in sources_of(request, binary):
                count = replicates_of(request, around, probe, source, binary)
                if not count and probe not in request.replicates:
                    left_out.append(f"{probe} on {source} of {binary.name}: too slow for its size")
                jobs += cell(request, around, binary, probe, source, range(count))
    return Plan(jobs=_numbered(jobs, around, 0), not_measured=left_out)


def smallest_first(binaries: list[Binary]) -> list[Binary]:
    """Return the binaries by size, so that the first result comes early."""
    return sorted(binaries, key=lambda binary: (binary.size_bytes, binary.name))


def replicates_of(
    request: RunRequest, around: Surroundings, probe: str, source: str, binary: Binary
) -> int:
    """Return how often each arm of a cell is measured: as asked, or as its probe says."""
    asked = request.replicates.get(probe)
    if asked is not None:
        return asked
    by_size = around.traits[probe].cost.replicates.get(source)
    return by_size[size_class(binary.size_bytes)] if by_size else 1


def cell(  # noqa: PLR0913, PLR0917  the six coordinates of a cell
    request: RunRequest,
    around: Surroundings,
    binary: Binary,
    probe: str,
    source: str,
    replicates: range,
) -> list[Job]:
    """Return the jobs of one binary, probe and source, arms interleaved."""
    draw = Random(f"{request.seed} {binary.name} {probe} {source}")  # noqa: S311  an order, no secret
    arms = draw.sample(request.arms, len(request.arms))
    return [
        structs.replace(
            unmeasured_job(request, around, binary, arm, source),
            probe=probe,
            probe_target=around.traits[probe].target,
            replicate=replicate,
            hash_seed=hash_seed(request.seed, 0 if around.traits[probe].exact else replicate),
        )
        for replicate in replicates
        for arm in (reversed(arms) if replicate % 2 else arms)
    ]


def top_up_jobs(
    request: RunRequest, around: Surroundings, binary: Binary, seen: Iterable[Observation]
) -> list[Job]:
    """Return further replicates for the cells whose exact metric did not come out the same twice.

    Both arms are topped up, so that the cell stays balanced.
    """
    exact = {(probe, metric.name) for probe, traits in around.traits.items()
             for metric in traits.metrics if metric.exact}  # fmt: skip
    values: dict[tuple[str, str, str, str], set[float]] = {}
    for one in seen:
        if (one.probe, one.metric) in exact:
            key = (one.probe, one.source, one.arm, one.metric)
            values.setdefault(key, set()).add(one.value)
    varying = {(key[0], key[1]) for key, found in values.items() if len(found) > 1}
    jobs: list[Job] = []
    for probe, source in sorted(varying):
        had = replicates_of(request, around, probe, source, binary)
        jobs += cell(request, around, binary, probe, source, range(had, request.top_up))
    return _numbered(jobs, around, _TOP_UP_ORDER)


def unmeasured_job(
    request: RunRequest, around: Surroundings, binary: Binary, arm: Arm, source: str
) -> Job:
    """Return the job that shows what one arm delivers from one source."""
    return Job(
        run_id=around.run_id,
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
        intake_url=around.intake_url + VERIFY_PATH,
        scratch=f"{around.scratch}/v-{arm.name}-{source}",
        replay=around.replays.get(binary.name, "") if source == REPLAY else "",
        share=binary.share,
        upload_id=upload_id(binary, arm, source, request.pipeline_options),
        hash_seed=hash_seed(request.seed, 0),
        timeout_s=request.timeout_s,
        pipeline_options=arm.options or request.pipeline_options,
        symbol_options=request.symbol_options,
    )


def recording(job: Job, around: Surroundings) -> Job:
    """Return the job, leaving a package cache behind; it must be of source dwarf."""
    return structs.replace(job, replay=around.replays[job.binary])


def replay_job(request: RunRequest, around: Surroundings, binary: Binary) -> Job:
    """Return the job that does nothing but write the package cache of a binary."""
    job = unmeasured_job(request, around, binary, request.arms[0], DWARF)
    return structs.replace(
        recording(job, around), probe=RECORD_REPLAY, arm="", scratch=f"{around.scratch}/replay"
    )


def hash_seed(seed: int, replicate: int) -> int:
    """Return PYTHONHASHSEED for a replicate index; never 0, which would switch hashing off."""
    return Random(f"{seed} {replicate}").randrange(1, 2**32)  # noqa: S311  reproducible on purpose


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


def _numbered(jobs: list[Job], around: Surroundings, first: int) -> list[Job]:
    """Number the jobs: each posts to a folder of its own, so that the intake can tell them apart.

    Folders and scratch directories get names of equal length, for they are on the heap.
    """
    return [
        structs.replace(
            job,
            order=order,
            scratch=f"{around.scratch}/{order:07d}",
            intake_url=f"{around.intake_url}/{order:07d}{COUNT_PATH}",
        )
        for order, job in enumerate(jobs, start=first)
    ]
