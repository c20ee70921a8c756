"""Runs of any size that nobody measured: what a coordinator, a report and a gate are tried on.

Jobs are those of a real plan, records have the fields of real ones, and numbers follow two simple
models: the legacy pipeline holds what it uploads, the streaming one a batch.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from random import Random

from msgspec import structs

from harness.config import MIB
from harness.records import (
    VERIFY,
    Batch,
    Binary,
    Collection,
    Counters,
    HeapPoint,
    Holding,
    Job,
    Record,
)
from harness.run.extensions import arms_by_name, resolve_probes
from harness.run.manifest import first_manifest
from harness.run.plan import RunContext, plan
from harness.run.request import RunRequest
from harness.store import COMPLETE, RunWriter

REPLICATES = {"peak": 2, "memray": 1, "bare": 1}
"""With two arms, two sources and verification these are twenty records a binary."""

_LINES = (
    ("JSON", "harness/pipelines/encoders.py:61 encode", 0.6),
    ("gzip", "harness/pipelines/compressors.py:100 make_compressor", 0.1),
    ("multipart", "harness/pipelines/multipart.py:40 body", 0.2),
    ("scope tree", "harness/symbols/scopes.py:120 add", 0.1),
)
_POINTS = 200


def a_request(binaries: int, results: Path, seed: int = 1) -> RunRequest:
    """Return a request for that many binaries of 20 KB to 200 MB, most of them small."""
    return RunRequest(
        binaries=[_binary(number, seed) for number in range(binaries)],
        arms=arms_by_name(["legacy", "streaming"]),
        results=results,
        probes=tuple(REPLICATES),
        replicates=REPLICATES,
        seed=seed,
    )


def _binary(number: int, seed: int) -> Binary:
    draw = Random(f"{seed} {number}")  # noqa: S311  numbers, no secret
    name = f"{draw.choice(('lib', 'srv', 'go', 'py'))}{number:05d}"
    size = int(20_000 * math.exp(draw.expovariate(0.5)))
    digest = hashlib.sha256(name.encode()).hexdigest()
    return Binary(
        name=name, path=f"/nowhere/{name}", sha256=digest, size_bytes=min(size, 200 * MIB)
    )


def context_of(request: RunRequest, run_id: str = "generated") -> RunContext:
    """Return a context in which no job could run."""
    return RunContext(
        request=request,
        run_id=run_id,
        intake_url="http://127.0.0.1:1",
        scratch="/nowhere",
        work="/nowhere",
        traits=resolve_probes(request.probes),
        replays={binary.name: f"{binary.path}.replay" for binary in request.binaries},
    )


def iter_generated(
    request: RunRequest, run_id: str = "generated", version: int = 0
) -> Iterator[Record]:
    """Yield the records that a run of `request` might have stored, in the order of its plan."""
    sizes = {binary.name: binary.size_bytes for binary in request.binaries}
    for job in plan(context_of(request, run_id)).jobs:
        yield record_of(job, sizes[job.binary], version)


def generate(request: RunRequest, version: int = 0) -> Path:
    """Write a whole run and return its directory."""
    manifest = structs.replace(
        first_manifest(request), command="python -m harness run corpus", commit=f"{version:08x}" * 5
    )
    with RunWriter.create(request.results, manifest) as writer:
        writer.append_all(iter_generated(request, writer.run_id, version))
        writer.update_manifest(state=COMPLETE, elapsed_s=1.0)
        return writer.path


def record_of(job: Job, size_bytes: int, version: int = 0) -> Record:
    """Return what a job over a binary of that size might have found; one in a thousand fails.

    Every version of the code changes every peak a little, as almost every change does, and the
    time of every process is its own.
    """
    what = f"{job.binary} {job.source} {job.arm} {job.probe}"
    draw = Random(what)  # noqa: S311  likewise
    if draw.random() < 0.001:
        return Record(job=job, status="crashed", detail="Segmentation fault")
    raw = int(size_bytes * 0.3)
    batches = _batches(job.arm, raw, job.pipeline_options.threshold_bytes)
    peak = _peak(job, raw) + version * 1000
    draw.seed(f"{what} {job.replicate} {version}")
    record = Record(
        job=job,
        status="ok",
        batches=batches,
        counters=Counters(packages=1, scopes=raw // 900, functions=raw // 1000,
                          batches=len(batches), raw_bytes=raw, payload_bytes=raw // 8),
        skipped={"type without a name": 3},
        language="go" if job.binary.startswith("go") else "c",
    )  # fmt: skip
    if job.probe == VERIFY:
        return structs.replace(record, digest=job.binary_sha256)
    return structs.replace(record, **_measured(job, peak, raw, draw))


def _peak(job: Job, raw: int) -> float:
    extraction = 300_000 if job.source == "dwarf" else 0
    held = raw * 1.2 if job.arm == "legacy" else min(raw, 400_000)
    return float(int(400_000 + extraction + held))


def _measured(job: Job, peak: float, raw: int, draw: Random) -> dict[str, object]:
    seconds = (0.01 + raw / 5e7) * (1 + draw.random() / 20)
    if job.probe == "bare":
        values = {"wall": seconds * 1.1, "cpu": seconds, "rss_peak": peak + 25e6,
                  "rss_growth": peak + 1e5, "file_growth": 0, "payload_sent": raw / 8}  # fmt: skip
        return {"values": values}
    traced = {"cpu_under_probe": 2 * seconds, "rss_under_probe": peak + 35e6}
    if job.probe == "peak":
        return {"values": {"heap_peak": peak, **traced}}
    return {
        "values": {"heap_peak_memray": peak, **traced},
        "holdings": [Holding(stage, line, int(peak * share)) for stage, line, share in _LINES],
        "timeline": [HeapPoint(seconds * at / _POINTS, int(peak * math.sin(math.pi * at / _POINTS)))
                     for at in range(_POINTS)],
        "collections": [Collection(generation=0, start_s=seconds / 2, duration_s=1e-4,
                                   heap_before_bytes=int(peak), heap_after_bytes=int(peak) - 1000,
                                   collected=10, uncollectable=0)],
    }  # fmt: skip


def _batches(arm: str, raw: int, threshold: int) -> list[Batch]:
    count = 1 if arm == "legacy" else 1 + raw // 8 // threshold
    payload = raw // 8 // count
    return [
        Batch(
            batch_num=number,
            scopes=raw // 900 // count,
            functions=raw // 1000 // count,
            raw_bytes=raw // count,
            payload_bytes=payload,
            threshold_bytes=0 if arm == "legacy" else threshold,
            overshoot_bytes=0 if arm == "legacy" else payload - threshold,
            final=number == count,
            at_s=number / 100,
        )
        for number in range(1, count + 1)
    ]
