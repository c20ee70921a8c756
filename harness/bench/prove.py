"""Plant faults in a real measurement and show each being caught: `doctor --prove`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from msgspec import Struct

from harness.config import MIB
from harness.errors import MeasurementInvalid
from harness.intake.process import Intake
from harness.limits.choice import chosen_backend, confinement
from harness.limits.edge import find_edge
from harness.records import VERIFY, Record
from harness.residency import contradiction
from harness.run.limit import FREE_PROBE, outcome_of
from harness.run.scratch import scratch_directory
from harness.run.trial import HONEST, Trial

_PLANTED = "harness.bench.planted:"
_SMALL, _LARGE = (10, 200), (40, 200)
# Honest growth is a few buffers; a planted fault grows with the stream. Far from both.
_GROWTH_MAX_BYTES = 200_000
_COPY_SHARE = 0.9


class Proof(Struct, frozen=True, kw_only=True):
    """One planted fault: whether it was caught, and what showed it.

    Where nothing is `planted`, to see that the checks do not cry wolf, `caught` is their silence.
    """

    fault: str
    caught: bool
    evidence: str
    planted: bool = True


class _Bench(Trial):
    """A small and a large stream of packages, and a pipeline to run over them."""

    def __init__(self, scratch: Path, intake: Intake) -> None:
        super().__init__(scratch, intake, ("memray", "tracemalloc", "gc", "peak", "bare"))
        self.make("small", *_SMALL)
        self.make("large", *_LARGE)

    def growth_bytes(self, pipeline: str) -> int:
        """Return how much more a pipeline holds at its peak for four times the packages."""
        small, large = (
            _value(self.run(pipeline, name, "memray"), "heap_peak_memray")
            for name in ("small", "large")
        )
        return int(large - small)


def iter_proofs() -> Iterator[Proof]:
    """Plant one fault after another; each proof comes when it is known.

    Raises:
        MeasurementInvalid: What should have been measured could not be; see `doctor` without prove.
    """
    with scratch_directory() as scratch, Intake() as intake:
        bench = _Bench(scratch, intake)
        for prove in _PROOFS:
            yield prove(bench)


def _prove_honesty(bench: _Bench) -> Proof:
    growth = bench.growth_bytes(HONEST)
    return Proof(
        fault="nothing planted: the streaming pipeline as it is",
        planted=False,
        caught=growth <= _GROWTH_MAX_BYTES,
        evidence=f"peak grows by {growth:,} bytes for four times the packages: nothing to catch",
    )


def _by_growth(pipeline: str, fault: str, bench: _Bench) -> Proof:
    growth = bench.growth_bytes(_PLANTED + pipeline)
    return Proof(
        fault=fault,
        caught=growth > _GROWTH_MAX_BYTES,
        evidence=f"peak grows by {growth:,} bytes for four times the packages",
    )


def _prove_copy(bench: _Bench) -> Proof:
    record = bench.run(f"{_PLANTED}copies_payload", "large", "memray")
    payload_bytes = max((batch.raw_bytes for batch in record.batches), default=0)
    copies = [one for one in record.holdings if one.size_bytes > _COPY_SHARE * payload_bytes > 0]
    found = "; ".join(f"{one.size_bytes / payload_bytes:.2f} at {one.location}" for one in copies)
    return Proof(
        fault="an extra copy of the payload",
        caught=bool(copies),
        evidence=f"copies of the payload at the peak: {found or 'none'}",
    )


def _prove_lost_scope(bench: _Bench) -> Proof:
    whole = bench.run(HONEST, "small", VERIFY).counters
    record = bench.run(f"{_PLANTED}loses_a_scope", "small", "memray", expected=whole)
    return _judged(record, "mismatch", "a scope of every package not shipped")


def _by_status(
    pipeline: str, status: str, fault: str, bench: _Bench, *, probe: str = "memray"
) -> Proof:
    return _judged(bench.run(_PLANTED + pipeline, "small", probe), status, fault)


def _prove_uncounted(bench: _Bench) -> Proof:
    """Show that the untraced process contradicts a peak from which memory is missing."""
    pipeline = f"{_PLANTED}takes_memory_through_a_pointer"
    peak = _value(bench.run(pipeline, "small", "peak"), "heap_peak")
    bare = bench.run(pipeline, "small", "bare")
    grown = _value(bare, "rss_growth")
    unbacked = grown - _value(bare, "file_growth")
    why = contradiction("heap_peak", peak, grown, unbacked_bytes=unbacked)
    return Proof(
        fault="10 MiB that no allocator hands out",
        caught=bool(why),
        evidence=why.partition(" — ")[0] or "no contradiction",
    )


def _prove_limit(bench: _Bench) -> Proof:
    """Show that a limit of the kernel moves by what a pipeline needs more."""
    backend = chosen_backend("auto")

    def attempt(pipeline: str, limit_bytes: int) -> str:
        around = confinement(backend, limit_bytes)
        return outcome_of(bench.run(pipeline, "small", FREE_PROBE, around=around), backend)

    start = int(_value(bench.run(HONEST, "small", FREE_PROBE), "private_start"))
    edges = []
    for pipeline in (HONEST, f"{_PLANTED}needs_8_mib_more"):
        edge = find_edge(start, MIB, 1, partial(attempt, pipeline))
        edges.append(edge.survives_bytes if edge else 0)
        start = edges[0] + 8 * MIB
    moved = edges[1] - edges[0]
    return Proof(
        fault="a pipeline that needs 8 MiB more",
        caught=all(edges) and abs(moved - 8 * MIB) <= MIB,
        evidence=f"the limit that is survived ({backend.name}) moves by {moved / MIB:g} MiB",
    )


def _judged(record: Record, status: str, fault: str) -> Proof:
    reason = record.detail.partition("\n")[0]
    return Proof(fault=fault, caught=record.status == status, evidence=f"{record.status}: {reason}")


def _value(record: Record, metric: str) -> float:
    if record.status != "ok":
        raise MeasurementInvalid(f"{record.job.arm} could not be measured: {record.detail}")
    return record.values[metric]


_PROOFS: tuple[Callable[[_Bench], Proof], ...] = (
    _prove_honesty,
    partial(_by_growth, "leaks", "a leak: a kilobyte of every scope is kept"),
    partial(_by_growth, "retains_scopes", "an extractor that keeps all it has read"),
    _prove_copy,
    partial(_by_status, "is_lost", "crashed", "a lost replicate"),
    partial(_by_status, "truncates_capture", "damaged", "a capture that lost its last byte"),
    _prove_lost_scope,
    partial(_by_status, "posts_nothing", "mismatch", "batches that are claimed and never sent"),
    partial(_by_status, "works_in_a_fork", "invalid", "work that is done in a forked child"),
    partial(_by_status, "works_in_a_command", "invalid", "work that is done by a command"),
    partial(_by_status, "reserves_and_never_touches", "invalid", "address space without memory"),
    _prove_uncounted,
    _prove_limit,
    *(
        partial(_by_status, pipeline, "invalid", fault, probe=probe)
        for pipeline, probe, fault in (
            ("stops_tracemalloc", "tracemalloc", "a trace that is stopped"),
            ("restarts_tracemalloc", "tracemalloc", "a trace that is started anew"),
            ("clears_traces", "tracemalloc", "a trace that is cleared"),
            ("resets_the_peak", "tracemalloc", "a peak that is reset"),
            ("starts_tracemalloc", "peak", "another tracer below the allocators' hooks"),
            ("removes_callbacks", "gc", "a collector that calls nobody back"),
            ("removes_the_profile_function", "memray", "a profile function that is removed"),
        )
    ),
)
