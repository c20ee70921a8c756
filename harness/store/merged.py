"""Merge runs into one: shards of a corpus, and replicates of several short runs.

Two commits cannot be interleaved within one run, since each needs an environment of its own. So
each side makes several short runs in turn, and their replicates are put together here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from harness.errors import StoreError
from harness.records import Manifest, Options, Record
from harness.store.manifest import COMPLETE, RUNNING, iter_unlike, read_manifest
from harness.store.reader import Run, open_run
from harness.store.seal import is_sealed
from harness.store.writer import RunWriter
from harness.text import counted, listed, repeated

_MAY_DIFFER = {"seed", "replicates"}
"""Options with no bearing on what one replicate measures, only on how many and in which order."""

_SAME = ("kind", "commit", "dirty")

_MOST_NAMED = 20
_REMEDY = (
    "merge runs of one commit and the same versions and options; without --shard, of one machine"
)


def merge_runs(runs: Sequence[Path], results: Path, command: str) -> Path:
    """Write a new run into `results` that has every replicate of `runs`, and return its directory.

    Replicates of the same binaries are numbered on from run to run, in the order given; nothing
    else about a record changes but its run, and where it was measured is noted if that was on
    several machines. Failed replicates stay failed replicates.

    Raises:
        StoreError: They may not be pooled: one is not complete or damaged, one is given twice, or
            two differ in commit, code, machine, versions, options or corpus.
    """
    parts = [_read(path) for path in runs]
    _refuse_unlike(parts)
    with RunWriter.create(results, _manifest(parts, command)) as writer:
        writer.append_all(_renumbered(parts, writer.run_id))
        writer.update_manifest(state=COMPLETE)
        return writer.path


def _read(path: Path) -> Run:
    manifest = read_manifest(path)
    if is_sealed(path):
        raise StoreError(
            f"{path} is a promoted baseline", remedy="merge runs, then promote what that gives"
        )
    if manifest.unfinished:
        raise StoreError(
            f"{path}: {manifest.unfinished}",
            remedy="finish it with: python -m harness run --resume, or leave it out",
        )
    run = open_run(path)
    deque(run.records, maxlen=0)  # what is damaged is found before anything is written
    if run.warnings:
        warnings = "; ".join(run.warnings)
        raise StoreError(f"{path} cannot be merged: {warnings}", remedy="measure again")
    return run


def _run_ids(run: Run) -> list[str]:
    """Return the runs that measured, when this is a pool itself."""
    return run.manifest.pooled or [run.manifest.run_id]


def _refuse_unlike(parts: Sequence[Run]) -> None:
    if len(parts) < 2:
        raise StoreError("one run needs no merging", remedy="give two runs or more")
    ids = [run_id for part in parts for run_id in _run_ids(part)]
    if twice := repeated(ids):
        raise StoreError(
            f"run {twice[0]} is given twice", remedy="each replicate may count only once"
        )
    _refuse_missing_shards(parts)
    first, *others = parts
    unlike = {
        str(other.path): reasons
        for other in others
        if (reasons := list(_iter_unlike(first.manifest, other.manifest)))
    }
    if unlike:
        name, reasons = next(iter(unlike.items()))
        more = f"; so are {listed([*unlike][1:], _MOST_NAMED)}" if len(unlike) > 1 else ""
        raise StoreError(
            f"{name} is unlike {first.path}: {'; '.join(reasons)}{more}", remedy=_REMEDY
        )


def _refuse_missing_shards(parts: Sequence[Run]) -> None:
    shards = [part.manifest.shard for part in parts]
    if not any(shards):
        return
    if not all(shards) or len({shard.partition("/")[2] for shard in shards}) > 1:
        told = ", ".join(sorted({shard or "no shard" for shard in shards}))
        raise StoreError(f"these are not shards of one run: {told}", remedy=_REMEDY)
    of = int(shards[0].partition("/")[2])
    missing = [f"{k}/{of}" for k in range(1, of + 1) if f"{k}/{of}" not in shards]
    if missing:  # all shards have as many binaries, or one more
        lacking = counted(len(missing) * len(parts[0].manifest.corpus), "binary", "binaries")
        raise StoreError(
            f"shards are missing: {listed(missing, _MOST_NAMED)} (about {lacking})",
            remedy=f"measure them with --shard {missing[0]}, and name all runs",
        )


def _iter_unlike(one: Manifest, other: Manifest) -> Iterator[str]:
    """Yield what two manifests say differently of things that decide what a replicate measures."""
    for name in _SAME:
        if (was := getattr(one, name)) != (now := getattr(other, name)):
            yield f"{name} {_shown(now)}, not {_shown(was)}"
    same_binaries = one.shard == other.shard  # their replicates stand side by side
    yield from iter_unlike(one, other, same_rig=same_binaries)
    if one.shard_of != other.shard_of:  # some binary would be there twice, or nowhere
        yield "part of another corpus"
    for name in sorted({*Options.__struct_fields__} - _MAY_DIFFER):
        if getattr(one.options, name) != getattr(other.options, name):
            yield f"other options.{name}"
    if same_binaries and _inputs(one) != _inputs(other):
        yield "another corpus"


def _shown(value: object) -> str:
    return "none" if value in ("", None) else str(value)


def _inputs(manifest: Manifest) -> set[tuple[object, ...]]:
    return {(binary.name, binary.sha256, binary.share) for binary in manifest.corpus}


def _manifest(parts: Sequence[Run], command: str) -> Manifest:
    """Return the manifest of the first run, with what is the sum of all said as such."""
    manifests = [part.manifest for part in parts]
    first = manifests[0]
    groups = _by_shard(parts)
    reasons = (reason for manifest in manifests for reason in manifest.not_measured)
    return structs.replace(
        first,
        state=RUNNING,
        command=command,
        pooled=[run_id for part in parts for run_id in _run_ids(part)],
        shard="",
        shard_of="",
        shards=len(groups),
        corpus=[one for group in groups for one in group[0].manifest.corpus],
        modes={name: mode for one in manifests for name, mode in one.modes.items()},
        options=structs.replace(first.options, replicates=_sum_of_replicates(groups[0])),
        not_measured=list(dict.fromkeys(reasons)),
        finished_at=max(manifest.finished_at for manifest in manifests),
        elapsed_s=sum(manifest.elapsed_s or 0.0 for manifest in manifests),
        **_rigs(manifests),
    )


def _by_shard(parts: Sequence[Run]) -> list[list[Run]]:
    """Return the runs over the same binaries together."""
    groups: dict[str, list[Run]] = {}
    for part in parts:
        groups.setdefault(part.manifest.shard, []).append(part)
    return list(groups.values())


def _rigs(manifests: Sequence[Manifest]) -> dict[str, Any]:
    """Return what the manifest of several machines says of them; nothing else for one."""
    rigs = {one.rig_fingerprint: one.rig for one in manifests}
    if len(rigs) == 1:
        return {}
    first, *others = rigs.values()
    shared = {k: v for k, v in first.items() if all(rig.get(k) == v for rig in others)}
    return {"rigs": rigs, "rig": shared, "rig_fingerprint": "", "overhead": {}}


def _sum_of_replicates(group: Sequence[Run]) -> dict[str, int]:
    """Return what was asked for in all; a probe that one run left to its forecast is left out."""
    asked = [part.manifest.options.replicates for part in group]
    probes = [probe for probe in asked[0] if all(probe in counts for counts in asked)]
    return {probe: sum(counts[probe] for counts in asked) for probe in probes}


def _renumbered(parts: Sequence[Run], run_id: str) -> Iterator[Record]:
    several = len({part.manifest.rig_fingerprint for part in parts}) > 1
    orders = 0
    for group in _by_shard(parts):
        replicates = 0
        for part in group:
            rig = part.manifest.rig_fingerprint if several else ""
            next_replicate, next_order = replicates, orders
            for record in part.records:
                replicate, order = record.job.replicate + replicates, record.job.order + orders
                job = structs.replace(record.job, run_id=run_id, replicate=replicate, order=order)
                yield structs.replace(record, job=job, rig=rig)
                next_replicate = max(next_replicate, replicate + 1)
                next_order = max(next_order, order + 1)
            replicates, orders = next_replicate, next_order
