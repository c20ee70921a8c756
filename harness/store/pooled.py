"""Pool runs of one side into one: the replicates of several short runs as if of one long run.

Two commits cannot be interleaved within one run, since each needs an environment of its own. So
each side makes several short runs in turn, and their replicates are put together here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import structs

from harness.errors import StoreError
from harness.records import Manifest, Options, Record
from harness.store.manifest import COMPLETE, RUNNING, read_manifest
from harness.store.reader import Run, read_run
from harness.store.seal import is_sealed
from harness.store.writer import RunWriter

_MAY_DIFFER = {"seed", "replicates"}
"""Options with no bearing on what one replicate measures, only on how many and in which order."""

_SAME = ("kind", "commit", "dirty", "code_sha256", "versions", "rig", "rig_fingerprint")

_REMEDY = "pool runs of one commit, one machine and the same options"


def pool_runs(runs: Sequence[Path], results: Path, command: str) -> Path:
    """Write a new run into `results` that has every replicate of `runs`, and return its directory.

    Replicates are numbered on from run to run, in the order given; nothing else about a record
    changes but its run. Failed replicates stay failed replicates.

    Raises:
        StoreError: They may not be pooled: one is not complete or damaged, one is given twice, or
            two differ in commit, code, machine, versions, options or corpus.
    """
    parts = [_read(path) for path in runs]
    _refuse_unlike(parts)
    with RunWriter.create(results, _manifest(parts, command)) as writer:
        for record in _renumbered(parts, writer.run_id):
            writer.append(record)
        writer.update_manifest(state=COMPLETE)
        return writer.path


def _read(path: Path) -> Run:
    manifest = read_manifest(path)
    if is_sealed(path):
        raise StoreError(
            f"{path} is a promoted baseline", remedy="pool runs, then promote the pool"
        )
    if manifest.state != COMPLETE:
        raise StoreError(
            f"{path} is {manifest.state or 'of unknown state'}, not complete",
            remedy="finish it with: python -m harness run --resume, or leave it out",
        )
    run = read_run(path)
    if run.warnings:
        warnings = "; ".join(run.warnings)
        raise StoreError(f"{path} cannot be pooled: {warnings}", remedy="measure again")
    return run


def _run_ids(run: Run) -> list[str]:
    """Return the runs that measured, when this is a pool itself."""
    return run.manifest.pooled or [run.manifest.run_id]


def _refuse_unlike(parts: Sequence[Run]) -> None:
    if len(parts) < 2:
        raise StoreError("one run needs no pooling", remedy="give two runs or more")
    ids = [run_id for part in parts for run_id in _run_ids(part)]
    twice = sorted({run_id for run_id in ids if ids.count(run_id) > 1})
    if twice:
        raise StoreError(
            f"run {twice[0]} is given twice", remedy="each replicate may count only once"
        )
    first, *others = parts
    for other in others:
        unlike = list(_iter_unlike(first.manifest, other.manifest))
        if unlike:
            raise StoreError(
                f"{first.path} and {other.path} differ in {', '.join(unlike)}", remedy=_REMEDY
            )


def _iter_unlike(one: Manifest, other: Manifest) -> Iterator[str]:
    """Yield what two manifests say differently of things that decide what a replicate measures."""
    for name in _SAME:
        if getattr(one, name) != getattr(other, name):
            yield name
    for name in sorted({*Options.__struct_fields__} - _MAY_DIFFER):
        if getattr(one.options, name) != getattr(other.options, name):
            yield f"options.{name}"
    if _inputs(one) != _inputs(other):
        yield "corpus"


def _inputs(manifest: Manifest) -> set[tuple[object, ...]]:
    return {(binary.name, binary.sha256, binary.share) for binary in manifest.corpus}


def _manifest(parts: Sequence[Run], command: str) -> Manifest:
    """Return the manifest of the first run, with what is the sum of all said as such."""
    manifests = [part.manifest for part in parts]
    first = manifests[0]
    reasons = (reason for manifest in manifests for reason in manifest.not_measured)
    return structs.replace(
        first,
        state=RUNNING,
        command=command,
        pooled=[run_id for part in parts for run_id in _run_ids(part)],
        options=structs.replace(first.options, replicates=_sum_of_replicates(manifests)),
        not_measured=list(dict.fromkeys(reasons)),
        finished_at=max(manifest.finished_at for manifest in manifests),
        elapsed_s=sum(manifest.elapsed_s or 0.0 for manifest in manifests),
    )


def _sum_of_replicates(manifests: Sequence[Manifest]) -> dict[str, int]:
    """Return what was asked for in all; a probe that one run left to its forecast is left out."""
    asked = [manifest.options.replicates for manifest in manifests]
    probes = [probe for probe in asked[0] if all(probe in counts for counts in asked)]
    return {probe: sum(counts[probe] for counts in asked) for probe in probes}


def _renumbered(parts: Sequence[Run], run_id: str) -> Iterator[Record]:
    replicates = orders = 0
    for part in parts:
        jobs = [
            structs.replace(
                record.job,
                run_id=run_id,
                replicate=record.job.replicate + replicates,
                order=record.job.order + orders,
            )
            for record in part.records
        ]
        for record, job in zip(part.records, jobs, strict=True):
            yield structs.replace(record, job=job)
        replicates = max((job.replicate for job in jobs), default=replicates - 1) + 1
        orders = max((job.order for job in jobs), default=orders - 1) + 1
