"""Measure thousands of binaries on an executor: each is one unit, and only the coordinator writes.

A unit that is lost is tried again wherever the executor takes it; one that is lost too often is
given up and named, and tried again when the run is resumed. What is wrong with the binary itself or
with its address is not tried again within a run, other content than was pinned never.
A worker that would measure something else than the coordinator ends the run, which can be resumed
without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import structs

from harness.config import LOCAL
from harness.errors import ConfigError, CorpusError, FetchFailed, HarnessError, OtherContent
from harness.limits.found import smallest_first
from harness.nearest import nearest
from harness.records import VERIFY, Binary, Record
from harness.registry import load, names
from harness.run.events import CellMeasured, Event, JobFinished, Problem, RunFinished, RunStarted
from harness.run.extensions import resolve_probes
from harness.run.manifest import first_manifest
from harness.run.plan import RunContext, plan
from harness.run.request import RunRequest, checked
from harness.run.unit import UnitResult, facts_of, measure_unit
from harness.store import RunWriter
from harness.store.progress import HowFar, ending, write_progress
from harness.store.writer import UNITS
from harness.text import counted

IN_FLIGHT = (1000, 30, 1)
"""How many units are with the executor at the first try, at the second and at the third.

Who dies takes others along: those that wait for the same worker, or in the same pool. The last try
is alone, so that only a unit which ends its worker by itself is given up.
"""
PAUSES_S = (0.0, 60.0, 300.0)
"""How long is waited before each try for what could not be fetched: a network may come back."""

_FINAL = (ConfigError, CorpusError)
_GIVEN_UP = ": given up after "


class _Renewed(Executor):
    """The executor of `open_one`, opened again where the death of a process broke all of it."""

    def __init__(self, open_one: Callable[[], AbstractContextManager[Executor]]) -> None:
        self._open_one, self._stack = open_one, ExitStack()
        self._executor = self._stack.enter_context(open_one())

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        try:
            return self._executor.submit(function, *args, **kwargs)
        except BrokenExecutor:
            self._stack.close()
            self._executor = self._stack.enter_context(self._open_one())
            return self._executor.submit(function, *args, **kwargs)

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class _Here(Executor):
    """Measures before `submit` returns: an interrupt ends the measurement, and waits for none."""

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  as every executor does
            future.set_exception(error)
        return future


def open_executor(text: str) -> AbstractContextManager[Executor]:
    """Return the executor that `NAME` or `NAME=ADDRESS` stands for, to be entered.

    Raises:
        ConfigError: There is none of that name, or it cannot be had.
    """
    name, _, address = text.partition("=")
    if name == LOCAL:
        return _Here()
    if name not in (plugged := names("executor")):
        raise ConfigError(
            f"there is no executor called {name!r}", remedy=nearest(name, [LOCAL, *plugged])
        )
    return _Renewed(partial(load("executor", name), address))


def run_fleet(request: RunRequest, on_event: Callable[[Event], None], executor: Executor) -> Path:
    """Measure every binary of `request` as a unit of `executor`; return the new run directory.

    Raises:
        ConfigError: A worker has other versions, code or architecture.
        HarnessError: The request cannot be, or the results directory cannot be written.
    """
    request = checked(request)
    with RunWriter.create(request.results, first_manifest(request)) as writer:
        (writer.path / UNITS).touch()
        Fleet(writer, request, on_event, executor).run({})
        return writer.path


class Fleet:
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

    def run(self, whole: dict[str, bool]) -> None:
        """Measure all binaries but those that are `whole`, by whether one of them failed."""
        waiting = [one for one in smallest_first(self._request.binaries) if one.name not in whole]
        self._total, self._done = len(self._request.binaries), len(whole)
        self._failed = sum(whole.values())
        again = {one.name for one in waiting}
        said = self._writer.manifest.not_measured
        kept = [text for text in said if text.partition(_GIVEN_UP)[0] not in again]
        self._writer.update_manifest(not_measured=kept)
        self._started = time.monotonic()
        self._on_event(RunStarted(self._writer.path, self._total, len(waiting), whole=True))
        with ending(self._writer):
            for binary, records, is_whole in self._iter_measured(waiting):
                self._store(binary, records, len(waiting), is_whole=is_whole)
        self._on_event(RunFinished(self._writer.path))

    def _iter_measured(self, waiting: list[Binary]) -> Iterator[tuple[Binary, list[Record], bool]]:
        """Yield each binary with its records, and whether that is all there will ever be of it.

        What may go better another time comes last: what is stored after the last whole binary is
        dropped when the run is resumed.
        """
        given_up: list[tuple[Binary, list[Record], bool]] = []
        away = False
        for tries, most in enumerate(IN_FLIGHT, start=1):
            lost: list[Binary] = []
            time.sleep(PAUSES_S[tries - 1] if away else 0)
            away = False
            for binary, future in self._iter_ended(waiting, most):
                if future.cancelled():
                    raise HarnessError(
                        "the executor has ended before all was measured",
                        remedy="start it again, and go on with --resume",
                    )
                if (error := future.exception()) is None:
                    yield binary, self._taken_in(binary, future.result()), True
                elif tries < len(IN_FLIGHT) and not _is_final(error):
                    lost.append(binary)
                    away |= isinstance(error, FetchFailed)
                else:
                    tried = counted(tries, "try", "tries")
                    why = f"{binary.name}{_GIVEN_UP}{tried}: {type(error).__name__}: {error}"
                    ended = binary, self._given_up(binary, why), isinstance(error, OtherContent)
                    if ended[-1]:
                        yield ended
                    else:
                        given_up.append(ended)
            waiting = lost
        yield from given_up

    def _iter_ended(
        self, waiting: list[Binary], most: int
    ) -> Iterator[tuple[Binary, Future[UnitResult]]]:
        """Yield each binary as its unit ends, however it does; `most` are on their way at once."""
        ahead, running = iter(waiting), dict[Future[UnitResult], Binary]()
        try:
            while True:
                for binary in islice(ahead, most - len(running)):
                    unit = structs.replace(self._request, binaries=[binary], cache=None)
                    future = self._executor.submit(measure_unit, unit, self._here)
                    running[future] = binary
                    if future.done():  # store it before the next: some measure while they submit
                        break
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future
        finally:
            for future in running:
                future.cancel()

    def _store(
        self, binary: Binary, records: list[Record], planned: int, *, is_whole: bool
    ) -> None:
        failed = any(record.status != "ok" for record in records)
        if is_whole:
            self._writer.append_unit(binary.name, records, failed=failed)
        else:
            self._writer.append_all(records)
        self._done += 1
        self._failed += failed
        for source in self._request.sources:
            own = [record for record in records if record.job.source == source]
            if own:
                self._on_event(CellMeasured(binary.name, source, own))
        elapsed_s = time.monotonic() - self._started
        finished = planned - (self._total - self._done)
        eta_s = elapsed_s / finished * (self._total - self._done)
        far = HowFar(
            done=self._done, total=self._total, unit="binaries", failed=self._failed, eta_s=eta_s
        )
        now = structs.replace(far, done=finished, total=planned)
        self._on_event(JobFinished(records[-1], now))
        write_progress(self._writer.path, far)

    def _taken_in(self, binary: Binary, measured: UnitResult) -> list[Record]:
        """Return the records of a unit as those of this run, each with where it was measured."""
        facts = measured.facts
        if measured.refused:
            raise ConfigError(
                f"worker {facts.worker} has {', '.join(measured.refused)}",
                remedy="take it out of the cluster, and go on with --resume",
            )
        rig = facts.rig_fingerprint
        elsewhere = rig != self._here.rig_fingerprint
        if elsewhere and rig not in self._rigs:
            self._rigs |= {self._here.rig_fingerprint: self._here.rig, rig: facts.rig}
            self._writer.update_manifest(rigs=self._rigs)
        failed = any(record.status != "ok" for record in measured.iter_records())
        for message in measured.not_measured:
            self._writer.note_unmeasured(message)
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

    def _given_up(self, binary: Binary, message: str) -> list[Record]:
        """Return records of a binary that nobody could measure: what it lacks is missed."""
        self._writer.note_unmeasured(message)
        self._on_event(Problem(binary.name, message))
        request = structs.replace(self._request, binaries=[binary])
        context = RunContext(
            request=request,
            run_id=self._writer.run_id,
            intake_url="",
            scratch="",
            work="",
            traits=resolve_probes(request.probes),
            replays={binary.name: ""},
        )
        jobs = [job for job in plan(context).jobs if job.probe == VERIFY]
        return [Record(job=job, status="crashed", detail=message) for job in jobs]


def _is_final(error: BaseException) -> bool:
    """Tell whether a fault is the same wherever and however often it is tried."""
    return isinstance(error, _FINAL) and not isinstance(error, FetchFailed)
