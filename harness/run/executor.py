"""Run jobs in processes of their own and yield their records as they finish.

One thread, one selector. Probes whose numbers do not depend on contention share the machine, the
others have it to themselves, or share it with the same replicate of the other arms. Leaving the
iterator, by whatever exception, kills every child.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct, to_builtins

import harness
from harness.config import SLOTS
from harness.errors import StoreError
from harness.limits.backend import Confinement
from harness.records import CALL, TEST, Cell, Counters, Job, Record
from harness.run.child import Child, LauncherReport, Spec
from harness.run.extensions import ProbeTraits
from harness.run.frames import CaptureRef
from harness.run.judge import Judged, judge_capture, judge_values, judge_worker
from harness.run.request import PADDING

CHARGED, OOM_KILLS, LIVED_S = "charged", "oom_kills", "lived"
"""What a record says besides when its worker was limited; the first two, of its own cgroup."""

# Arrow's own pool reserves a gigabyte at a time, which no instrument can tell from memory that is
# used. Whoever sets another one gets it.
_SYSTEM_ALLOCATOR = {"ARROW_DEFAULT_MEMORY_POOL": "system"}

_CAPTURE_TIMEOUT_S = 600.0
_LOOK_AGAIN_S = 0.2  # whether what a waiting job needs has arrived


class Settings(Struct, frozen=True, kw_only=True):
    """How jobs are run.

    `work` is an empty directory that workers are started in; `expected` the work of each binary,
    arm and source, as verified; `slots` how many jobs may share the machine; `env` what is set for
    workers besides. Captures are moved to
    `captures`, named by the order of their job, when it is not empty. `confine` says what is put
    around the worker of a job.
    """

    work: str
    traits: Mapping[str, ProbeTraits]
    expected: Mapping[Cell, Counters] = {}
    slots: int = SLOTS
    address_space_bytes: int = 0
    env: Mapping[str, str] = {}
    captures: str = ""
    confine: Callable[[Job], Confinement] = lambda _: Confinement()


class Queue(Protocol):
    """Jobs that wait to be started, some of them perhaps for what others bring about."""

    @property
    def waits(self) -> bool:
        """Whether any job is left."""
        ...

    def take(self, admits: Callable[[Job], bool]) -> Job | None:
        """Remove and return a job that may start beside those that run; None if none may yet."""
        ...


class _InOrder:
    """Jobs that wait for nothing but their turn."""

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = jobs.copy()

    @property
    def waits(self) -> bool:
        """Whether any job is left."""
        return bool(self._jobs)

    def take(self, admits: Callable[[Job], bool]) -> Job | None:
        """Remove and return the first job, if it may start now."""
        return self._jobs.pop(0) if self._jobs and admits(self._jobs[0]) else None


def iter_records(jobs: Queue | list[Job], settings: Settings) -> Generator[Record, None, None]:
    """Run all jobs, each once, and yield a record for each; failures are records too.

    Raises:
        StoreError: A capture that was to be kept does not fit.
    """
    queue = _InOrder(jobs) if isinstance(jobs, list) else jobs
    with selectors.DefaultSelector() as selector:
        pool = _Pool(selector, settings)
        try:
            while queue.waits or pool.tasks:
                while pool.has_room and (job := queue.take(pool.admits)):
                    pool.start(job)
                yield from pool.wait()
        finally:
            pool.stop()


class _Task:
    """One job on its way: first its worker, then, if it left a capture, the reader of that."""

    def __init__(self, job: Job, settings: Settings) -> None:
        self.job = job
        self._settings, self._around = settings, settings.confine(job)
        self._metrics = settings.traits[job.probe].metrics
        self._judged: Judged | None = None
        self._report: LauncherReport | None = None
        Path(job.scratch).mkdir(parents=True)
        self.child = Child(_worker_spec(job, settings, self._around))

    def advance(self) -> Record | None:
        """Judge what the child left; return the record, or None when another child was started."""
        ending = self.child.ending()
        if self._judged is not None:
            assert self._judged.capture is not None
            return self._finish(judge_capture(self._judged.record, self._judged.capture, ending))
        self._report = ending.report
        self._judged = judge_worker(
            self.job, ending, self._settings.expected.get(self.job.cell), self._metrics
        )
        if self._judged.capture is None:
            return self._finish(self._judged.record)
        roots = self.job.call.roots if self.job.call else ()
        self.child = Child(_capture_spec(self._judged.capture, roots, self._settings))
        return None

    def discard(self) -> None:
        """Remove everything the job has put on disk."""
        shutil.rmtree(self.job.scratch, ignore_errors=True)

    def _finish(self, record: Record) -> Record:
        assert self._judged is not None
        if self._settings.captures and self._judged.capture is not None and record.status == "ok":
            _keep(self._judged.capture, Path(self._settings.captures, f"{self.job.order:07d}.bin"))
        self.discard()
        record = judge_values(record, self._metrics, self._judged.grown_bytes)
        if self._report and self._around != Confinement():
            record.values[LIVED_S] = self._report.wall_s
        if self._report and self._around.group:
            record.values[CHARGED] = self._report.charged_bytes
            record.values[OOM_KILLS] = self._report.oom_kills
        return record


def _keep(capture: CaptureRef, kept: Path) -> None:
    try:
        shutil.move(capture.path, kept)
    except OSError as error:
        kept.unlink(missing_ok=True)  # what is left of the room is for what was measured
        raise StoreError(
            f"cannot write {kept}: {error.strerror}",
            remedy="free some space, or measure without keeping captures",
        ) from error


class _Pool:
    """The tasks that are running, and the selector that watches their pipes."""

    def __init__(self, selector: selectors.BaseSelector, settings: Settings) -> None:
        self.tasks: set[_Task] = set()
        self._selector = selector
        self._settings = settings

    def admits(self, job: Job) -> bool:
        """Tell whether `job` may start now, beside what is running."""
        running = [task.job for task in self.tasks]
        if not running:
            return True
        if not self._is_alone(job):
            return not any(map(self._is_alone, running))
        return job.paired and all(_pair_of(one) == _pair_of(job) for one in running)

    @property
    def has_room(self) -> bool:
        """Whether fewer jobs are running than may share the machine."""
        return len(self.tasks) < self._settings.slots

    def start(self, job: Job) -> None:
        """Start the worker of `job`."""
        task = _Task(job, self._settings)
        self.tasks.add(task)
        self._watch(task)

    def wait(self) -> Iterator[Record]:
        """Wait until something happens, but not for long, and yield what has finished by it."""
        for key, _ in self._selector.select(_LOOK_AGAIN_S):
            task: _Task = key.data
            task.child.read(key.fileobj)  # type: ignore[arg-type]
            if key.fileobj not in task.child.pipes:
                self._selector.unregister(key.fileobj)
            if task.child.ended:
                yield from self._advance(task)

    def stop(self) -> None:
        """Kill what is still running."""
        for task in self.tasks:
            task.child.stop()
            task.discard()
        self.tasks.clear()

    def _advance(self, task: _Task) -> Iterator[Record]:
        record = task.advance()
        if record is None:
            self._watch(task)
            return
        self.tasks.discard(task)
        yield record

    def _watch(self, task: _Task) -> None:
        for pipe in task.child.pipes:
            self._selector.register(pipe, selectors.EVENT_READ, task)

    def _is_alone(self, job: Job) -> bool:
        return self._settings.traits[job.probe].alone


def _pair_of(job: Job) -> tuple[str, str, str, int]:
    """Return what the arms of a replicate have in common."""
    return (job.binary, job.source, job.probe, job.replicate)


def _worker_spec(job: Job, settings: Settings, around: Confinement) -> Spec:
    traits = settings.traits[job.probe]
    python = job.call.python if job.call else ""
    return Spec(
        argv=[python or sys.executable, "-m", "harness.run.start"],
        env={
            **_environment(job.scratch, own=not python),
            **(_SYSTEM_ALLOCATOR if job.source in {CALL, TEST} else {}),
            **settings.env,
            **({PADDING: "x" * job.padding_bytes} if job.padding_bytes else {}),
            "PYTHONHASHSEED": str(job.hash_seed),
            **traits.environment,
        },
        cwd=settings.work,
        input=json.dumps(to_builtins(job)),
        timeout_s=job.timeout_s,
        address_space_bytes=settings.address_space_bytes,
        confinement=around,
    )


def _capture_spec(capture: CaptureRef, roots: Iterable[str], settings: Settings) -> Spec:
    known = ["--size", str(capture.size_bytes), "--sha256", capture.sha256, "--out", "3"]
    known += [text for path in roots for text in ("--root", path)]
    return Spec(
        argv=[sys.executable, "-m", "harness.probes.capture", capture.path, *known],
        env=_environment(str(Path(capture.path).parent)),
        cwd=settings.work,
        timeout_s=_CAPTURE_TIMEOUT_S,
    )


def _environment(scratch: str, *, own: bool = True) -> dict[str, str]:
    """Return all that a child is told: what it needs to start, and nothing of the user's.

    Another Python than our own finds this package by itself, behind what it has installed.
    """
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "PYTHONSAFEPATH": "1",
        **({"PYTHONPATH": str(Path(harness.__file__).parent.parent)} if own else {}),
        "TMPDIR": scratch,
        **kept,
    }
