"""Find the memory limit under which each arm still delivers, by real attempts that are stored."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from itertools import count

from msgspec import Struct, structs

from harness.config import DEFAULTS, MIB, RUN_LIMITS, LimitOptions
from harness.intake import COUNT_PATH
from harness.intake.process import Intake, confirm
from harness.limits.backend import Backend, Confinement
from harness.limits.choice import chosen_backend, confinement
from harness.limits.edge import FAILED, KILLED, SURVIVED, THRASHED, iter_limits, send
from harness.limits.found import PROBE, iter_asked
from harness.records import VERIFY, Attempt, Binary, Cell, Job, Record
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


_Past = dict[tuple[Cell, int], list[Attempt]]  # by limit, in bytes: what an earlier search tried


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


def blamed(record: Record, limit_bytes: int) -> Record:
    """Return a record, as crashed where the kernel killed before the limit was reached.

    The count of a cgroup holds those too who were killed for what is around it. Some pages are
    charged at a time, and an old kernel does not tell the peak.
    """
    peak = record.values.get(CHARGED, 0)
    if not record.values.get(OOM_KILLS) or not peak or 0 < limit_bytes <= peak + MIB:
        return record
    return structs.replace(
        record,
        status="crashed",
        detail=f"the kernel killed it at {peak / MIB:.1f} MiB, before it reached the limit: the "
        "machine, or a container around it, has no more memory",
        values={name: one for name, one in record.values.items() if name != OOM_KILLS},
    )


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


class _Arm:
    """One binary, source and arm on its way to its edge; `limit_bytes` of None has arrived."""

    def __init__(
        self, binary: Binary, free: Free, limits: Generator[int, Attempt, None], past: _Past
    ) -> None:
        self.binary, self.free, self.cell = binary, free, free.verified.job.cell
        self.runs = False
        self._limits, self._past = limits, past
        self.limit_bytes = next(limits, None)
        self._skip_known()

    def tell(self, attempt: Attempt) -> None:
        """Take in what became of the attempt that ran."""
        self.runs = False
        self.limit_bytes = send(self._limits, attempt)
        self._skip_known()

    def _skip_known(self) -> None:
        while (at := self.limit_bytes) is not None and (known := self._past.get((self.cell, at))):
            self.limit_bytes = send(self._limits, known.pop(0))


class LimitSearch:
    """Tries the limits that a run asks for, and stores what became of each.

    The attempts of one arm follow each other, those of several share the machine: what a limit
    allows does not depend on how long it takes. It is the queue of jobs that it has run.
    """

    def __init__(
        self,
        writer: RunWriter,
        context: RunContext,
        intake: Intake | None,
        on_event: Callable[[Event], None],
    ) -> None:
        request = context.request
        assert request.memory_limits is not None
        self._writer, self._request, self._context = writer, request, context
        self._intake, self._on_event = intake, on_event
        self._options = request.memory_limits
        self._backend = chosen_backend(self._options.backend)
        self._arms: dict[Cell, _Arm] = {}

    def run(self, records: Iterable[Record]) -> str:
        """Try every arm that delivered without a limit.

        What `records` say of attempts is not tried again, unless one failed for another reason: a
        search that was interrupted goes on where it was.

        Returns:
            Why no limit can be trusted here; empty when they can.
        """
        if why := try_backend(self._backend):
            return f"memory limits by {self._backend.name}: {why}"
        records = list(records)
        self._prepare(records)
        settings = Settings(
            work=self._context.work,
            traits={
                name: structs.replace(traits, alone=False)
                for name, traits in self._context.traits.items()
            },
            expected={
                cell: counters
                for cell, arm in self._arms.items()
                if (counters := arm.free.verified.counters)
            },
            env=self._request.env,
            confine=self._around,
        )
        with closing(iter_records(self, settings)) as running:
            for record in running:
                self._take_in(confirm(_as_delivered(record), self._intake))
        return ""

    @property
    def waits(self) -> bool:
        """Whether an arm has not arrived at its edge."""
        return any(arm.limit_bytes is not None for arm in self._arms.values())

    def take(self, admits: Callable[[Job], bool]) -> Job | None:
        """Return the next attempt of the first arm of which none is running."""
        for arm in self._arms.values():
            if arm.limit_bytes is not None and not arm.runs:
                job = self._job(arm)
                arm.runs = admits(job)
                return job if arm.runs else None
        return None

    def _prepare(self, records: list[Record]) -> None:
        past: _Past = {}
        last = _FIRST_ORDER
        for one in records:
            if one.attempt:
                last = max(last, one.job.order)
            if one.attempt and one.attempt.outcome != FAILED:
                past.setdefault((one.job.cell, one.attempt.limit_bytes), []).append(one.attempt)
        self._order = count(last + 1)
        free, arms = free_runs(records), [arm.name for arm in self._request.arms]
        for binary, source, arm in iter_asked(
            self._options, self._request.binaries, self._request.sources, arms
        ):
            own = free.get((binary.name, source, arm))
            if own is not None:
                self._arms[own.verified.job.cell] = _Arm(binary, own, self._limits(own), past)

    def _limits(self, free: Free) -> Generator[int, Attempt, None]:
        """Yield each limit to try on one arm, and be sent the attempt.

        A search begins at what a cgroup saw without a limit, if there is one. A peak in a cgroup is
        what limits are about; max RSS counts more, and less.
        """
        options = self._options
        for limit in options.under_bytes:
            for _ in range(options.replicates):
                yield limit
        if options.under_bytes:
            return
        seen = (yield 0).peak_bytes if self._backend.counts_kills else None
        yield from iter_limits(
            seen or free.peak_bytes,
            options.grain_bytes,
            options.replicates,
            lambda one: one.outcome,
        )

    def _job(self, arm: _Arm) -> Job:
        order, (_, source, name) = next(self._order), arm.cell
        jobs = cell(self._context, arm.binary, FREE_PROBE, source, range(1))
        return structs.replace(
            next(job for job in jobs if job.arm == name),
            order=order,
            scratch=f"{self._context.scratch}/{order:07d}",
            intake_url=f"{self._context.intake_url}/{order:07d}{COUNT_PATH}",
            timeout_s=max(_LEAST_S, _THRASHES_TIMES * arm.free.wall_s),
            paired=False,
        )

    def _around(self, job: Job) -> Confinement:
        limit_bytes = self._arms[job.cell].limit_bytes
        assert limit_bytes is not None
        return confinement(self._backend, limit_bytes)

    def _take_in(self, record: Record) -> None:
        """Store what became of an attempt, and tell its arm."""
        arm = self._arms[record.job.cell]
        assert arm.limit_bytes is not None
        record = blamed(record, arm.limit_bytes)
        attempt = Attempt(
            backend=self._backend.name,
            limit_bytes=arm.limit_bytes,
            outcome=outcome_of(record, self._backend),
            peak_bytes=int(record.values.get(CHARGED, 0)) or None,  # an old kernel does not tell
            wall_s=record.values.get(LIVED_S),
        )
        status = "oom" if attempt.outcome == KILLED else record.status
        job = structs.replace(record.job, probe=PROBE, replicate=record.job.order)
        stored = structs.replace(
            record, job=job, status=status, values={}, batches=[], attempt=attempt
        )
        self._writer.append(stored)
        self._on_event(LimitTried(stored))
        arm.tell(attempt)
