"""What a run is asked to measure, as plain values that a manifest can hold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from harness.config import (
    DEFAULTS,
    KIB,
    MOST_BYTES,
    ONE_PIPELINE,
    SLOTS,
    THRESHOLDS,
    LimitOptions,
    PipelineOptions,
    RunOptions,
)
from harness.errors import ConfigError
from harness.limits.choice import chosen_backend
from harness.limits.found import smallest_first
from harness.records import ON_DISK, Arm, Binary, Options
from harness.registry import find
from harness.run.sources import REPLAY, SOURCES
from harness.text import printable, repeated

PADDING = "HARNESS_PADDING"
"""What makes the environment of a measured process longer, and says nothing."""

OWN_VARIABLES = frozenset({"PATH", "LC_ALL", "PYTHONSAFEPATH", "PYTHONPATH", "PYTHONHASHSEED",
                           "PYTHONMALLOC", "TMPDIR", PADDING})  # fmt: skip
"""What decides how a measured process runs; nobody else may set it."""


class RunRequest(Options, frozen=True, kw_only=True):
    """Everything that decides what a run measures, and where it is put.

    With `keep_captures`, the captures of all replicates that count stay in `captures/` of the run,
    named by their order, and flame graphs are drawn from them into `flame/`. `kind` says what the
    run was made for: `run`, `sweep` or `scaling`, which changes nothing that is measured. `commit`
    is what the user calls the commit under test; without it, it is found out. With `fresh`, nothing
    that earlier runs have extracted or verified is used again. `shard` says which part of a larger
    corpus the binaries are, as `3/40`, and `shard_of` digests that.
    """

    binaries: list[Binary]
    results: Path
    probes: tuple[str, ...] = DEFAULTS.probes
    sources: tuple[str, ...] = DEFAULTS.sources
    keep_captures: bool = False
    slots: int = SLOTS
    command: Sequence[str] = ()
    kind: str = "run"
    commit: str = ""
    cache: Path | None = None
    fresh: bool = False
    shard: str = ""
    shard_of: str = ""


def request_of(
    options: RunOptions,
    arms: list[Arm],
    pipeline_options: PipelineOptions,
    command: list[str],
    kind: str = "run",
) -> RunRequest:
    """Return the request that these options make, with no binaries yet."""
    given = structs.asdict(options)
    count = given.pop("replicates")
    given |= {"arms": arms, "env": parse_env(options.env), "keep_captures": given.pop("flame")}
    return RunRequest(
        binaries=[],
        replicates=dict.fromkeys(options.probes, count) if count else {},
        pipeline_options=pipeline_options,
        command=command,
        kind=kind,
        **given,
    )


def parse_env(given: Sequence[str]) -> dict[str, str]:
    """Return variables for measured processes from `NAME=VALUE`.

    Raises:
        ConfigError: One is not written so, or is for the harness to set.
    """
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ConfigError(f"{text!r} sets no variable", remedy="write --env NAME=VALUE")
        if name in OWN_VARIABLES:
            raise ConfigError(
                f"{name} is set by the harness for every measured process",
                remedy="set another variable",
            )
        found[name] = value
    return found


def checked(request: RunRequest) -> RunRequest:
    """Return the request with names that can be stored and shown anywhere.

    Raises:
        ConfigError: Something is empty, named twice, not known, or cannot be had here.
    """
    _refuse_nonsense(request)
    binaries = [structs.replace(b, name=printable(b.name)) for b in request.binaries]
    for kind, names in (
        ("binary", [binary.name for binary in binaries]),
        ("arm", [arm.name for arm in request.arms]),
    ):
        if twice := repeated(names):
            raise ConfigError(
                f"two things are called {kind} {twice[0]!r}", remedy="give each its own name"
            )
    return structs.replace(request, binaries=binaries, memory_limits=_limits_of(request))


def _limits_of(request: RunRequest) -> LimitOptions | None:
    """Return how limits are tried, by a backend that can be used here."""
    asked = request.memory_limits
    if asked and not all(limit > 0 for limit in asked.under_bytes):
        raise ConfigError(
            "a memory limit must be more than 0", remedy='give a size, such as "64 MiB"'
        )
    if asked and any(limit > MOST_BYTES for limit in asked.under_bytes):
        raise ConfigError("a memory limit above 4 EiB limits nothing", remedy="give a smaller size")
    return asked and structs.replace(asked, backend=chosen_backend(asked.backend).name)


def sources_of(request: RunRequest, binary: Binary) -> list[str]:
    """Return the sources that a binary is measured from, in the order they build on each other."""
    return binary.measured_from(source for source in SOURCES if source in request.sources)


def _refuse_nonsense(request: RunRequest) -> None:
    for name in ("binaries", "arms", "probes", "sources"):
        if not getattr(request, name):
            raise ConfigError(f"a run needs {name}")
    for source in request.sources:
        if source not in SOURCES:
            raise ConfigError(f"no source is called {source!r}: choose from {', '.join(SOURCES)}")
    for binary in request.binaries:
        if not 0.0 < binary.share <= 1.0:
            raise ConfigError(f"{binary.name}: {binary.share} is no share")
    for probe, count in request.replicates.items():
        if count < 0:
            raise ConfigError(f"{count} replicates of {probe!r} are not possible")


def prefixes(binary: Binary, sizes: int) -> list[Binary]:
    """Return growing parts of a binary that with the whole make `sizes` inputs in even steps."""
    return [
        structs.replace(
            binary,
            name=f"{binary.name} [{step / sizes:.1%}]",
            size_bytes=round(binary.size_bytes * step / sizes),
            share=step / sizes,
            extra={},
        )
        for step in range(1, sizes)
    ]


def aside_of(request: RunRequest) -> list[Arm]:
    """Return those arms of our own pipeline again that keep batches in memory, with the disk sink.

    They cost seconds where the packages come from a cache, and are measured nowhere else.
    """
    if REPLAY not in request.sources or "peak" not in request.probes:
        return []
    ours, shared = find("pipeline", ONE_PIPELINE).value, request.pipeline_options
    return [
        Arm(
            name=arm.name + ON_DISK,
            pipeline=arm.pipeline,
            options=structs.replace(arm.options or shared, sink="disk"),
        )
        for arm in request.arms
        if arm.pipeline == ours and (arm.options or shared).sink == "memory"
    ]


def sweep_arms(
    arm: Arm, options: PipelineOptions, thresholds: tuple[int, ...] = THRESHOLDS
) -> list[Arm]:
    """Return one arm for each flush threshold, named `<arm> @ <KiB>`."""
    return [
        Arm(
            name=f"{arm.name} @ {threshold // KIB} KiB",
            pipeline=arm.pipeline,
            options=structs.replace(arm.options or options, threshold_bytes=threshold),
        )
        for threshold in thresholds
    ]


def sharded(request: RunRequest, shard: str) -> RunRequest:
    """Return the request for one part of its binaries: every so many, by size.

    Raises:
        ConfigError: That is no shard, or there are more of them than binaries.
    """
    number, slash, of = shard.partition("/")
    if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise ConfigError(f"{shard!r} is no shard", remedy="write --shard 3/40 for part 3 of 40")
    if int(of) > len(request.binaries):
        raise ConfigError(
            f"{len(request.binaries)} binaries do not make {of} shards",
            remedy=f"use {len(request.binaries)} at most, in every part",
        )
    ordered = smallest_first(request.binaries)
    own = ordered[int(number) - 1 :: int(of)]
    listed = "\n".join(f"{one.sha256} {one.name}" for one in ordered)
    digest = hashlib.sha256(listed.encode(errors="surrogateescape")).hexdigest()
    shard = f"{int(number)}/{int(of)}"
    return structs.replace(request, binaries=own, shard=shard, shard_of=digest)
