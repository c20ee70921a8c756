"""Find the memory limit under which each arm still delivers, by real attempts that are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from msgspec import Struct, structs

from harness.config import LimitOptions
from harness.errors import ConfigError
from harness.intake import COUNT_PATH
from harness.intake.process import Intake, confirm
from harness.limits.backend import Backend
from harness.limits.choice import confinement, find_backends
from harness.limits.edge import FAILED, KILLED, SURVIVED, THRASHED, find_edge
from harness.limits.found import Found
from harness.records import VERIFY, Arm, Attempt, Binary, Cell, Record
from harness.run.events import Event
from harness.run.executor import CHARGED, OOM_KILLS, Settings, iter_records
from harness.run.manifest import first_manifest
from harness.run.plan import RunContext, cell
from harness.run.request import RunRequest, sources_of
from harness.run.scratch import scratch_directory
from harness.run.session import context_of, measure_into
from harness.store import COMPLETE, INTERRUPTED, RUNNING, RunWriter, read_run

PROBE = "limit"
"""The probe in the records of attempts."""

_FREE_PROBE = "bare"
_THRASHES_TIMES, _LEAST_S = 20.0, 30.0
_REFUSED = ("MemoryError", "bad_alloc", "Cannot allocate memory", "failed to map segment")


class Free(Struct, frozen=True):
    """What one arm took without a limit, and the record of what it delivered."""

    peak_bytes: int
    wall_s: float
    verified: Record


def chosen_backend(name: str) -> Backend:
    """Return the backend of that name, or the best that can be used here.

    Raises:
        ConfigError: It cannot be used.
    """
    for one in find_backends():
        if name in {"auto", one.name} and (name != "auto" or not one.missing):
            if one.missing:
                raise ConfigError(f"no limit by {name}: {one.missing}", remedy=one.remedy)
            return one
    raise ConfigError(f"no memory limit is called {name!r}")


def outcome_of(record: Record, backend: Backend) -> str:
    """Return what became of an attempt; killed only when the kernel, or its refusal, says so."""
    if backend.counts_kills:
        killed = record.values.get(OOM_KILLS, 0) > 0
    else:
        refused = any(text in record.detail for text in _REFUSED)
        killed = record.status != "ok" and (record.status == "oom" or refused)
    if killed:
        return KILLED
    return {"ok": SURVIVED, "timeout": THRASHED}.get(record.status, FAILED)


def find_limits(
    request: RunRequest,
    options: LimitOptions,
    under_bytes: int,
    on_event: Callable[[Event], None],
    has_arrived: Callable[[str], bool],
) -> tuple[Path, list[Found]]:
    """Measure every arm without a limit, then try limits; return the run and what was found.

    Args:
        request: What to try; its probe is `bare`.
        options: How finely, how often, and with what.
        under_bytes: Try this limit alone, once; 0 searches.
        on_event: Called with everything that happens in the free runs.
        has_arrived: Tells whether a binary is there.
    """
    backend = chosen_backend(options.backend)
    with RunWriter.create(request.results, first_manifest(request)) as writer:
        measure_into(writer, request, on_event, has_arrived)
        free = _free_runs(read_run(writer.path).records)
        writer.update_manifest(state=RUNNING)
        state = INTERRUPTED
        try:
            with scratch_directory() as scratch, Intake() as intake:
                context = context_of(writer, request, scratch, intake.url)
                attempts = _Attempts(writer, request, context, intake, backend)
                found = list(_iter_found(attempts, free, options, under_bytes))
            state = COMPLETE
        finally:
            writer.update_manifest(state=state, finished_at=datetime.now(UTC).isoformat())
        return writer.path, found


def _free_runs(records: list[Record]) -> dict[Cell, Free]:
    """Return the cells that delivered without a limit; arms that differ have not."""
    ok = [record for record in records if record.status == "ok"]
    verified = {one.job.cell: one for one in ok if one.job.probe == VERIFY}
    digests: dict[str, set[str]] = {}
    for one in verified.values():
        digests.setdefault(one.job.binary, set()).add(one.digest)
    return {
        one.job.cell: Free(int(one.values["rss_peak"]), one.values["wall"], verified[one.job.cell])
        for one in ok
        if one.job.probe == _FREE_PROBE and len(digests[one.job.binary]) == 1
    }


class _Attempts:
    """Tries one limit after the other, and stores what became of each."""

    def __init__(
        self,
        writer: RunWriter,
        request: RunRequest,
        context: RunContext,
        intake: Intake,
        backend: Backend,
    ) -> None:
        self.request, self.backend = request, backend
        self._writer, self._context, self._intake = writer, context, intake
        self._order = count(1)

    def attempt(self, binary: Binary, arm: Arm, source: str, free: Free, limit_bytes: int) -> str:
        """Run the arm once under a limit; return the outcome."""
        order = next(self._order)
        jobs = cell(self.request, self._context, binary, _FREE_PROBE, source, range(1))
        job = structs.replace(
            next(job for job in jobs if job.arm == arm.name),
            order=order,
            scratch=f"{self._context.scratch}/{order:07d}",
            intake_url=f"{self._context.intake_url}/{order:07d}{COUNT_PATH}",
            timeout_s=max(_LEAST_S, _THRASHES_TIMES * free.wall_s),
            paired=False,
        )
        counters = free.verified.counters
        settings = Settings(
            work=self._context.work,
            traits=self._context.traits,
            expected={free.verified.job.cell: counters} if counters else {},
            env=self.request.env,
            confinement=confinement(self.backend.name, self.backend.parent, limit_bytes),
        )
        (record,) = iter_records([job], settings)
        record = confirm(record, self._intake)
        outcome = outcome_of(record, self.backend)
        self._store(record, order, outcome, limit_bytes)
        return outcome

    def _store(self, record: Record, order: int, outcome: str, limit_bytes: int) -> None:
        charged = record.values.get(CHARGED)
        record.attempt = Attempt(
            backend=self.backend.name,
            limit_bytes=limit_bytes,
            outcome=outcome,
            peak_bytes=None if charged is None else int(charged),
        )
        record.job = structs.replace(record.job, probe=PROBE, replicate=order)
        record.values = {}
        if outcome == KILLED:
            record.status = "oom"
        self._writer.append(record)


def _iter_found(
    attempts: _Attempts, free: dict[Cell, Free], options: LimitOptions, under_bytes: int
) -> Iterator[Found]:
    request = attempts.request
    for binary in request.binaries:
        for source in sources_of(request, binary):
            for arm in request.arms:
                found = Found(
                    binary=binary.name,
                    arm=arm.name,
                    source=source,
                    backend=attempts.backend.name,
                )
                own = free.get((binary.name, source, arm.name))
                if own is None:
                    yield structs.replace(found, problem="it did not deliver without a limit")
                    continue

                def attempt(
                    limit: int,
                    where: tuple[Binary, Arm, str, Free] = (binary, arm, source, own),
                ) -> str:
                    return attempts.attempt(*where, limit)

                if under_bytes:
                    outcome = attempt(under_bytes)
                    why = "" if outcome != FAILED else "it failed for another reason"
                    found = structs.replace(found, outcome=outcome, problem=why)
                else:
                    edge = find_edge(
                        own.peak_bytes, options.grain_bytes, options.replicates, attempt
                    )
                    why = "" if edge else "an attempt failed for another reason than the limit"
                    found = structs.replace(found, edge=edge, problem=why)
                yield structs.replace(found, free_rss_bytes=own.peak_bytes)
