"""Find the memory limit under which each arm still delivers, by real attempts that are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count

from msgspec import Struct, structs

from harness.config import DEFAULTS, RUN_LIMITS, LimitOptions
from harness.intake import COUNT_PATH
from harness.intake.process import Intake, confirm
from harness.limits.backend import Backend
from harness.limits.choice import chosen_backend, confinement
from harness.limits.edge import FAILED, KILLED, SURVIVED, THRASHED, find_edge
from harness.limits.found import PROBE, iter_asked
from harness.records import VERIFY, Attempt, Binary, Cell, Record
from harness.run.confined import try_backend
from harness.run.events import Event, LimitTried
from harness.run.executor import CHARGED, LIVED_S, OOM_KILLS, Settings, iter_records
from harness.run.judge import worked_in_children
from harness.run.plan import RunContext, cell
from harness.run.request import RunRequest
from harness.store import RunWriter

FREE_PROBE = "bare"
"""The probe that tells what an arm takes without a limit."""

_FIRST_ORDER = 2_000_000  # behind every planned job, and every one that topped one up
_THRASHES_TIMES, _LEAST_S = 20.0, 30.0
_REFUSED = ("MemoryError", "bad_alloc", "Cannot allocate memory")
_FROM_OUTSIDE = (
    "its launcher was killed",
    *(f"killed by SIG{name}" for name in ("KILL", "TERM", "INT")),
)


class Free(Struct, frozen=True):
    """What one arm took without a limit, and the record of what it delivered."""

    peak_bytes: int
    wall_s: float
    verified: Record


def usual_limits(request: RunRequest) -> LimitOptions | None:
    """Return the limits that a run tries unasked: none once its probes or sources were chosen."""
    chosen = (request.probes, request.sources) != (DEFAULTS.probes, DEFAULTS.sources)
    return None if chosen else RUN_LIMITS


def outcome_of(record: Record, backend: Backend) -> str:
    """Return what became of an attempt; killed only when the kernel says so.

    Where the kernel keeps no count, it refuses, and what comes of that is up to whoever asked: an
    exception of any kind, a loader that gives up, a null pointer. Without the limit, the same work
    at the same addresses delivered. So there a process that breaks by itself was killed.
    """
    if backend.counts_kills:
        killed = record.values.get(OOM_KILLS, 0) > 0
    else:
        broke = record.status == "crashed" and not record.detail.startswith(_FROM_OUTSIDE)
        killed = broke or _was_refused(record) or record.status == "oom"
    if killed:
        return KILLED
    return {"ok": SURVIVED, "timeout": THRASHED}.get(record.status, FAILED)


def _was_refused(record: Record) -> bool:
    return record.status != "ok" and any(text in record.detail for text in _REFUSED)


def _as_delivered(record: Record) -> Record:
    """Return a record as what it is to a limit, which holds for children as well."""
    if worked_in_children(record) and not _was_refused(record):
        return structs.replace(record, status="ok", detail="")
    return record


def free_runs(records: Iterable[Record]) -> dict[Cell, Free]:
    """Return the cells that delivered without a limit; arms that differ have not.

    A process that ran beside another one has no wall time of its own, by which to tell thrashing.
    """
    ok = [record for record in map(_as_delivered, records) if record.status == "ok"]
    verified = {one.job.cell: one for one in ok if one.job.probe == VERIFY}
    digests: dict[str, set[str]] = {}
    for one in verified.values():
        digests.setdefault(one.job.binary, set()).add(one.digest)
    return {
        one.job.cell: Free(int(one.values["rss_peak"]), one.values["wall"], verified[one.job.cell])
        for one in ok
        if one.job.probe == FREE_PROBE
        and not one.job.paired
        and len(digests.get(one.job.binary, ())) == 1
    }


class LimitSearch:
    """Tries the limits that a run asks for, one after the other, and stores what became of each."""

    def __init__(
        self,
        writer: RunWriter,
        request: RunRequest,
        context: RunContext,
        intake: Intake | None,
        on_event: Callable[[Event], None],
    ) -> None:
        assert request.memory_limits is not None
        self._writer, self._request, self._context = writer, request, context
        self._intake, self._on_event = intake, on_event
        self._options = request.memory_limits
        self._backend = chosen_backend(self._options.backend)
        self._past: dict[tuple[Cell, int], list[Attempt]] = {}

    def run(self, records: Iterable[Record]) -> str:
        """Try every arm that delivered without a limit.

        What `records` say of attempts is not tried again: a search that was interrupted goes on
        where it was.

        Returns:
            Why no limit can be trusted here; empty when they can.
        """
        if why := try_backend(self._backend):
            return f"memory limits by {self._backend.name}: {why}"
        records = list(records)
        self._learn(records)
        free, arms = free_runs(records), [arm.name for arm in self._request.arms]
        for binary, source, arm in iter_asked(
            self._options, self._request.binaries, self._request.sources, arms
        ):
            own = free.get((binary.name, source, arm))
            if own is not None:
                self._try(binary, own)
        return ""

    def _learn(self, records: Iterable[Record]) -> None:
        last = _FIRST_ORDER
        for one in records:
            if one.attempt:
                known = self._past.setdefault((one.job.cell, one.attempt.limit_bytes), [])
                known.append(one.attempt)
                last = max(last, one.job.order)
        self._order = count(last + 1)

    def _try(self, binary: Binary, free: Free) -> None:
        """Try what is asked for on one arm; a search begins at what a cgroup saw, if there is one.

        A peak in a cgroup is what limits are about; max RSS counts more, and less.
        """
        options = self._options
        for limit in options.under_bytes:
            for _ in range(options.replicates):
                self._attempt(binary, free, limit)
        if options.under_bytes:
            return
        seen = self._attempt(binary, free, 0).peak_bytes if self._backend.counts_kills else None
        find_edge(
            seen or free.peak_bytes,
            options.grain_bytes,
            options.replicates,
            lambda limit: self._attempt(binary, free, limit).outcome,
        )

    def _attempt(self, binary: Binary, free: Free, limit_bytes: int) -> Attempt:
        """Return what became of the arm under a limit; what is known is not tried again."""
        past = self._past.get((free.verified.job.cell, limit_bytes))
        if past:
            return past.pop(0)
        record = self._run(binary, free, limit_bytes)
        charged = int(record.values.get(CHARGED, 0))
        outcome = outcome_of(record, self._backend)
        attempt = Attempt(
            backend=self._backend.name,
            limit_bytes=limit_bytes,
            outcome=outcome,
            peak_bytes=charged or None,  # an old kernel does not tell
            wall_s=record.values.get(LIVED_S),
        )
        status = "oom" if attempt.outcome == KILLED else record.status
        job = structs.replace(record.job, probe=PROBE, replicate=record.job.order)
        stored = structs.replace(
            record, job=job, status=status, values={}, batches=[], attempt=attempt
        )
        self._writer.append(stored)
        self._on_event(LimitTried(stored))
        return attempt

    def _run(self, binary: Binary, free: Free, limit_bytes: int) -> Record:
        """Run the arm once under a limit; return its record."""
        order, arm = next(self._order), free.verified.job.arm
        source = free.verified.job.source
        jobs = cell(self._request, self._context, binary, FREE_PROBE, source, range(1))
        job = structs.replace(
            next(job for job in jobs if job.arm == arm),
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
            env=self._request.env,
            confinement=confinement(self._backend.name, self._backend.parent, limit_bytes),
        )
        (record,) = iter_records([job], settings)
        return confirm(_as_delivered(record), self._intake)
