"""Measure thousands of binaries on an executor: each is one unit, and only the coordinator writes.

A unit that is lost is tried again wherever the executor takes it; one that is lost too often is
given up and named. A worker that would measure something else than the coordinator ends the run,
which can be resumed without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs

from harness.config import LOCAL
from harness.errors import ConfigError
from harness.nearest import nearest
from harness.records import VERIFY, Binary, Record
from harness.registry import load, names
from harness.run.events import CellMeasured, Event, JobFinished, Problem, RunFinished, RunStarted
from harness.run.extensions import resolve_probes
from harness.run.manifest import first_manifest
from harness.run.plan import RunContext, plan, smallest_first
from harness.run.request import RunRequest, checked
from harness.run.unit import UnitResult, facts_of, measure_unit
from harness.store import COMPLETE, INTERRUPTED, RUNNING, RunWriter
from harness.store.progress import HowFar, write_progress

TRIES = 3
_IN_FLIGHT = 1000


def open_executor(text: str) -> AbstractContextManager[Executor]:
    """Return the executor that `NAME` or `NAME=ADDRESS` stands for, to be entered.

    Raises:
        ConfigError: There is none of that name.
    """
    name, _, address = text.partition("=")
    if name == LOCAL:
        return ThreadPoolExecutor(1)
    if name not in (plugged := names("executor")):
        raise ConfigError(
            f"there is no executor called {name!r}", remedy=nearest(name, [LOCAL, *plugged])
        )
    opened: AbstractContextManager[Executor] = load("executor", name)(address)
    return opened


def run_fleet(request: RunRequest, on_event: Callable[[Event], None], executor: Executor) -> Path:
    """Measure every binary of `request` as a unit of `executor`; return the new run directory.

    Raises:
        ConfigError: A worker has other versions, code or architecture.
        HarnessError: The request cannot be, or the results directory cannot be written.
    """
    request = checked(request)
    with RunWriter.create(request.results, first_manifest(request)) as writer:
        _Fleet(writer, request, on_event, executor).run(set())
        return writer.path


def resume_fleet(
    writer: RunWriter, request: RunRequest, on_event: Callable[[Event], None], executor: Executor
) -> Path:
    """Measure what an interrupted run does not have whole."""
    writer.update_manifest(state=RUNNING)
    _Fleet(writer, request, on_event, executor).run(writer.whole_units())
    return writer.path


class _Fleet:
    """One run on its way."""

    def __init__(
        self,
        writer: RunWriter,
        request: RunRequest,
        on_event: Callable[[Event], None],
        executor: Executor,
    ) -> None:
        self._writer, self._request = writer, request
        self._on_event, self._executor = on_event, executor
        self._here = facts_of(request)
        self._rigs = dict(writer.manifest.rigs)
        self._not_measured = list(writer.manifest.not_measured)
        self._failed = 0

    def run(self, whole: set[str]) -> None:
        """Measure all binaries but those that are `whole`."""
        waiting = [one for one in smallest_first(self._request.binaries) if one.name not in whole]
        self._total, self._done = len(self._request.binaries), len(whole)
        self._started = time.monotonic()
        self._on_event(RunStarted(self._writer.path, self._total, len(waiting)))
        with self._ending():
            for binary, measured in self._iter_measured(waiting):
                self._store(binary, measured, len(waiting))
        self._on_event(RunFinished(self._writer.path, self._not_measured))

    def _iter_measured(self, waiting: list[Binary]) -> Iterator[tuple[Binary, UnitResult | str]]:
        """Yield each binary with what came of it, or with why it was given up."""
        tries: dict[str, int] = {}
        running: dict[Future[UnitResult], Binary] = {}
        ahead = iter(waiting)
        again: list[Binary] = []
        try:
            while True:
                while len(running) < _IN_FLIGHT:
                    one = again.pop() if again else next(ahead, None)
                    if one is None:
                        break
                    running[self._submit(one)] = one
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    binary = running.pop(future)
                    if (error := future.exception()) is None:
                        yield binary, future.result()
                        continue
                    tries[binary.name] = tries.get(binary.name, 0) + 1
                    if tries[binary.name] < TRIES:
                        again.append(binary)
                    else:
                        yield binary, f"{type(error).__name__}: {error}"
        finally:
            for future in running:
                future.cancel()

    def _submit(self, binary: Binary) -> Future[UnitResult]:
        unit = structs.replace(self._request, binaries=[binary], cache=None)
        return self._executor.submit(measure_unit, unit, self._here)

    def _store(self, binary: Binary, measured: UnitResult | str, planned: int) -> None:
        if isinstance(measured, str):
            records = self._given_up(binary, measured)
        else:
            _refuse_unlike(measured)
            records = self._taken_in(binary, measured)
        self._writer.append_unit(binary.name, records)
        self._done += 1
        self._failed += any(record.status != "ok" for record in records)
        for source in self._request.sources:
            own = [record for record in records if record.job.source == source]
            if own:
                self._on_event(CellMeasured(binary.name, source, own))
        elapsed_s = time.monotonic() - self._started
        finished = planned - (self._total - self._done)
        eta_s = elapsed_s / finished * (self._total - self._done)
        self._on_event(JobFinished(records[-1], finished, planned, elapsed_s, eta_s))
        write_progress(
            self._writer.path,
            HowFar(
                done=self._done,
                total=self._total,
                unit="binaries",
                failed=self._failed,
                eta_s=eta_s,
            ),
        )

    def _taken_in(self, binary: Binary, measured: UnitResult) -> list[Record]:
        """Return the records of a unit as those of this run, each with where it was measured."""
        facts = measured.facts
        rig = facts.rig_fingerprint
        elsewhere = rig != self._here.rig_fingerprint
        if elsewhere and rig not in self._rigs:
            self._rigs |= {self._here.rig_fingerprint: self._here.rig, rig: facts.rig}
            self._writer.update_manifest(rigs=self._rigs)
        failed = any(record.status != "ok" for record in measured.iter_records())
        for message in measured.not_measured:
            self._tell(message)
            if failed:
                self._on_event(Problem(binary.name, message))
        first = self._writer.orders
        return [
            structs.replace(
                record,
                job=structs.replace(
                    record.job,
                    run_id=self._writer.run_id,
                    order=record.job.order + first if record.job.order >= 0 else -1,
                ),
                rig=rig if elsewhere else "",
            )
            for record in measured.iter_records()
        ]

    def _given_up(self, binary: Binary, why: str) -> list[Record]:
        """Return records of a binary that nobody could measure: what it lacks is missed."""
        message = f"{binary.name}: given up after {TRIES} tries: {why}"
        self._tell(message)
        self._on_event(Problem(binary.name, message))
        request = structs.replace(self._request, binaries=[binary])
        context = RunContext(
            run_id=self._writer.run_id,
            intake_url="",
            scratch="",
            work="",
            traits=resolve_probes(request.probes),
            replays={binary.name: ""},
        )
        jobs = [job for job in plan(request, context).jobs if job.probe == VERIFY]
        return [Record(job=job, status="crashed", detail=message) for job in jobs]

    def _tell(self, message: str) -> None:
        if message not in self._not_measured:
            self._not_measured.append(message)
            self._writer.update_manifest(not_measured=self._not_measured)

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Leave the manifest saying how the run ended, whatever ended it."""
        state = INTERRUPTED
        try:
            yield
            state = COMPLETE
        finally:
            self._writer.update_manifest(
                state=state,
                finished_at=datetime.now(UTC).isoformat(),
                elapsed_s=time.monotonic() - self._started,
            )


def _refuse_unlike(measured: UnitResult) -> None:
    if measured.refused:
        raise ConfigError(
            f"worker {measured.facts.worker} has {', '.join(measured.refused)}",
            remedy="take it out of the cluster, and go on with --resume",
        )
