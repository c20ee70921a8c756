"""Which job of a run may start next, given what is known so far."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from harness.records import VERIFY, Binary, Cell, Counters, Job, Record
from harness.run.events import JobFinished
from harness.run.frames import RECORD_REPLAY
from harness.run.plan import RunContext, headline_probe, job_cost, phase, replay_job, top_up_jobs
from harness.run.replay import check_replay
from harness.run.request import sources_of
from harness.run.sources import DWARF, REPLAY
from harness.run.standing_in import records_packages, replicate_of, shown_by, stand_in
from harness.store.progress import HowFar

_UNMEASURED = {VERIFY, RECORD_REPLAY}
_MIN_SHARE_FOR_ETA = 0.02


class Supply(Protocol):
    """Where the binaries of a run come from."""

    @property
    def is_fetching(self) -> bool:
        """Whether some are being downloaded or built now, which takes every processor."""
        ...

    def has_arrived(self, name: str) -> bool:
        """Tell whether a binary is there, or will never be."""
        ...


class _AllThere:
    is_fetching = False

    def has_arrived(self, _: str) -> bool:
        return True


ALL_THERE: Supply = _AllThere()


class Schedule:
    """The jobs of a run that are still to be done, most urgent first.

    A job of source `replay` waits for the package cache of its binary, a measured job for the one
    that shows what its arm delivers, unless it does so itself, and one that needs the machine to
    itself for the last binary to arrive. While some are being fetched, nothing starts but what
    the first verdict waits for. What can never start is dropped.

    Attributes:
        expected: The work of each cell whose delivery was verified.
        records: Everything that is known, by binary.
        progress: How much of the measured work is done.
    """

    def __init__(
        self,
        context: RunContext,
        jobs: Iterable[Job],
        past: Iterable[Record] = (),
        supply: Supply = ALL_THERE,
    ) -> None:
        """Plan to do `jobs`, except those of which `past` has a record.

        Args:
            context: The run, and what was asked for.
            jobs: From `harness.run.plan.plan`.
            past: What an interrupted run has stored, or an earlier run has verified.
            supply: Tells which binaries are there.
        """
        self.expected: dict[Cell, Counters] = {}
        self.records: dict[str, list[Record]] = {}
        request = context.request
        self._context, self._supply = context, supply
        self._binaries = {binary.name: binary for binary in request.binaries}
        self._awaited = dict.fromkeys(self._binaries)
        self._recorded = set(context.recorded)
        self._headline = headline_probe(context)
        past = list(past)
        done = {replicate_of(record.job) for record in past}
        waiting = [job for job in jobs if replicate_of(job) not in done]
        kept, self._left_to = stand_in(waiting, context, self._headline)
        self._waiting = deque(kept)
        self._unverified = {job.cell for job in waiting if job.probe == VERIFY}
        self._recording = {job.replay for job in waiting if records_packages(job)}
        self._open = Counter(map(_group, waiting))
        self._telling = Counter(job.source for job in waiting if self._tells(job))
        self._measured: list[tuple[str, str]] = []
        self._first_phase = min(map(self._phase, waiting), default=0)
        self.progress = Progress(waiting, context)
        for record in past:
            self._learn(record)
        for binary in request.binaries:
            refused = (binary.name, "", DWARF, RECORD_REPLAY, 0) in done
            if REPLAY in sources_of(request, binary) and not refused:
                self._ensure_recording(binary)

    def take(self, admits: Callable[[Job], bool]) -> Job | None:
        """Return the first job that can start now, and that `admits` lets start beside others.

        What needs the machine to itself comes last, all arms of a replicate side by side: behind
        one that may not start beside what is running there is none that may.
        """
        at = 0
        while at < len(self._waiting):
            job = self._waiting[at]
            can_start = self._can_start(job)
            if can_start and not admits(job):
                if self._context.traits[job.probe].alone:
                    return None
                can_start = None
            if can_start is None:
                at += 1
                continue
            del self._waiting[at]
            if can_start:
                return job
            if verification := self._left_to.pop(replicate_of(job), None):
                self._waiting.insert(at, verification)
            self._close(job)
            if job.probe not in _UNMEASURED:
                self.progress.skip(job)
        return None

    @property
    def waits(self) -> bool:
        """Whether there are jobs that have not been taken."""
        return bool(self._waiting)

    def shown_by(self, record: Record) -> Record | None:
        """Return the verification that a replicate stands in for, to be added before the replicate.

        None if it stands in for none, or failed at it: then that is done on its own. A replicate
        whose delivery is not what it says is no measurement: it waits, and is dropped like others.
        """
        verification = self._left_to.pop(replicate_of(record.job), None)
        if verification is None:
            return None
        shown = shown_by(record, verification)
        if shown is None:
            self._waiting.appendleft(verification)
        elif shown.status != "ok":
            self._waiting.appendleft(record.job)
        return shown

    def add(self, record: Record) -> None:
        """Take in the record of a job that was taken."""
        job = record.job
        self._learn(record)
        if job.probe not in _UNMEASURED and self._open[_group(job)] == 1:
            self._top_up(job)
        self._close(job)
        if records_packages(job):
            self._recording.discard(job.replay)
            # What cannot be read once cannot be read twice; an arm that fails proves nothing.
            again = job.probe == VERIFY and record.status != "rejected"
            self._ensure_recording(self._binaries[job.binary], again=again)

    def all_records(self) -> list[Record]:
        """Return what is known of all binaries."""
        return [record for records in self.records.values() for record in records]

    def take_measured(self) -> list[tuple[str, str]]:
        """Return each binary and source that is now known by its headline metric, once."""
        found, self._measured = self._measured, []
        return found

    def is_measured(self, source: str) -> bool:
        """Tell whether the headline metric of every binary is known for a source."""
        return not self._telling[source]

    def _tells(self, job: Job) -> bool:
        """Tell whether the headline waits for a job: not where nothing is compared with its arm."""
        return job.probe in {VERIFY, self._headline} and not job.aside

    def _can_start(self, job: Job) -> bool | None:
        """Return whether a job can start; None if that is not known yet."""
        # Nothing is alone while a download or a build goes on.
        alone = self._context.traits[job.probe].alone
        if not (self._are_all_there() if alone else self._is_there(job.binary)):
            return None
        if self._supply.is_fetching and self._phase(job) > self._first_phase:
            return None
        if job.source == REPLAY and job.replay not in self._recorded:
            return None if job.replay in self._recording else False
        if job.probe in _UNMEASURED or job.cell in self.expected:
            return True
        if replicate_of(job) in self._left_to:
            return True
        return None if job.cell in self._unverified else False

    def _phase(self, job: Job) -> int:
        return phase(job, self._context.traits, self._headline)

    def _is_there(self, name: str) -> bool:
        if name in self._awaited and self._supply.has_arrived(name):
            del self._awaited[name]
        return name not in self._awaited

    def _are_all_there(self) -> bool:
        while self._awaited:
            if not self._is_there(next(iter(self._awaited))):
                return False
        return True

    def _learn(self, record: Record) -> None:
        job = record.job
        self.records.setdefault(job.binary, []).append(record)
        if job.probe == VERIFY:
            self._unverified.discard(job.cell)
            if record.status == "ok" and record.counters is not None:
                self.expected[job.cell] = record.counters

    def _ensure_recording(self, binary: Binary, *, again: bool = True) -> None:
        """See whether there is a package cache, else plan to write it, if that is worth trying."""
        path = self._context.replays[binary.name]
        if path in self._recorded or path in self._recording:
            return
        if check_replay(Path(path)) is not None:
            self._recorded.add(path)
            return
        if not again:
            return
        job = replay_job(self._context, binary)
        self._recording.add(path)
        self._open_up(job)
        self._waiting.appendleft(job)

    def _top_up(self, job: Job) -> None:
        seen = [
            record
            for record in self.records[job.binary]
            if (record.job.source, record.job.probe) == (job.source, job.probe)
        ]
        binary = self._binaries[job.binary]
        done = {replicate_of(record.job) for record in seen}
        more = [
            one for one in top_up_jobs(self._context, binary, seen) if replicate_of(one) not in done
        ]
        self._waiting.extendleft(reversed(more))
        for one in more:
            self._open_up(one)
            self.progress.add(one)

    def _open_up(self, job: Job) -> None:
        self._open[_group(job)] += 1
        self._telling[job.source] += self._tells(job)

    def _close(self, job: Job) -> None:
        self._open[_group(job)] -= 1
        self._telling[job.source] -= self._tells(job)
        probes = (VERIFY, self._headline)
        left = (self._open[job.binary, job.source, probe, False] for probe in probes)
        if self._tells(job) and not any(left):
            self._measured.append((job.binary, job.source))


def _group(job: Job) -> tuple[str, str, str, bool]:
    """Return what tells together that something is known, or has to be measured more often."""
    return (job.binary, job.source, job.probe, job.aside)


class Progress:
    """How much of the measured work is done, by forecast cost, and how long the rest may take."""

    def __init__(self, jobs: Iterable[Job], context: RunContext) -> None:
        self._traits = context.traits
        self._sizes = {binary.name: binary.size_bytes for binary in context.request.binaries}
        self.total = self.done = self._failed = 0
        self._cost_total = self._cost_done = 0.0
        self._started = time.monotonic()
        for job in jobs:
            if job.probe not in _UNMEASURED:
                self.add(job)

    def add(self, job: Job) -> None:
        """Count in a job that is to be done."""
        self.total += 1
        self._cost_total += self._cost(job)

    def skip(self, job: Job) -> None:
        """Count out a job that will not be done."""
        self.total -= 1
        self._cost_total -= self._cost(job)

    def finish(self, record: Record) -> JobFinished:
        """Count a job as done."""
        self.done += 1
        self._failed += record.status != "ok"
        self._cost_done += self._cost(record.job)
        share = min(1.0, self._cost_done / self._cost_total) if self._cost_total else 0.0
        elapsed_s = time.monotonic() - self._started
        eta_s = elapsed_s * (1 - share) / share if share >= _MIN_SHARE_FOR_ETA else None
        far = HowFar(
            done=self.done, total=self.total, unit="processes", failed=self._failed, eta_s=eta_s
        )
        return JobFinished(record, far)

    def _cost(self, job: Job) -> float:
        return job_cost(self._traits[job.probe], job.source, self._sizes[job.binary])
