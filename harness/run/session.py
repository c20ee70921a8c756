"""Measure everything a request names, smallest binary first, and store each record as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from harness.intake.process import Intake, confirm
from harness.records import Binary, Job, Manifest, Record
from harness.run.cache import replay_path
from harness.run.events import (
    BinaryFinished,
    BinaryStarted,
    Event,
    JobFinished,
    Problem,
    RunFinished,
    RunStarted,
)
from harness.run.executor import Cell, Settings, iter_records
from harness.run.extensions import ProbeTraits, resolve_probes
from harness.run.flame import CAPTURES, draw_pages
from harness.run.manifest import code_digest, first_manifest, modes_of
from harness.run.overhead import overheads
from harness.run.past import Past
from harness.run.plan import (
    Plan,
    Surroundings,
    job_cost,
    plan,
    recording,
    replay_job,
    smallest_first,
    top_up_jobs,
    unmeasured_job,
)
from harness.run.replay import check_replay
from harness.run.request import RunRequest, checked, sources_of
from harness.run.scratch import scratch_directory
from harness.run.sources import DWARF, REPLAY
from harness.store import COMPLETE, INTERRUPTED, RunWriter

_MIN_SHARE_FOR_ETA = 0.02


def run_session(request: RunRequest, on_event: Callable[[Event], None]) -> Path:
    """Measure all of `request` into a new run directory and return that.

    Whatever ends it early, Ctrl-C included, ends every child, marks the manifest as interrupted
    and comes out of here; what was stored by then stays and can be read.

    Raises:
        HarnessError: The request cannot be, or the results directory cannot be written.
    """
    request = checked(request)
    with RunWriter.create(request.results, first_manifest(request)) as writer:
        measure_into(writer, request, on_event, Past())
        return writer.path


def measure_into(
    writer: RunWriter, request: RunRequest, on_event: Callable[[Event], None], past: Past
) -> None:
    """Measure what `past` does not have yet, and leave the manifest saying how that ended."""
    traits = resolve_probes(request.probes)
    started = time.monotonic()
    state = INTERRUPTED
    try:
        with scratch_directory() as scratch, Intake() as intake:
            around = _surroundings(writer, request, traits, (str(scratch), intake.url))
            _Session(request, writer, on_event).run(around, intake, past)
        state = COMPLETE
    finally:
        writer.update_manifest(
            warnings=_warnings(writer.manifest),
            state=state,
            finished_at=datetime.now(UTC).isoformat(),
            elapsed_s=time.monotonic() - started,
        )


def _warnings(manifest: Manifest) -> list[str]:
    if code_digest() == manifest.code_sha256:
        return []
    return ["the code of harness changed during the run: its replicates may differ for that reason"]


def _surroundings(
    writer: RunWriter,
    request: RunRequest,
    traits: dict[str, ProbeTraits],
    places: tuple[str, str],
) -> Surroundings:
    scratch, url = places
    replays = {
        binary.name: str(replay_path(request, binary))
        for binary in request.binaries
        if REPLAY in request.sources
    }
    work = Path(scratch, "work")
    work.mkdir(mode=0o555)
    return Surroundings(
        run_id=writer.run_id,
        intake_url=url,
        scratch=scratch,
        work=str(work),
        traits=traits,
        replays=replays,
    )


class _Progress:
    """How much of the planned work is done, by forecast cost, and how long the rest may take."""

    def __init__(
        self, jobs: list[Job], request: RunRequest, traits: dict[str, ProbeTraits]
    ) -> None:
        sizes = {binary.name: binary.size_bytes for binary in request.binaries}
        self._cost = {
            (job.binary, job.probe, job.source): job_cost(
                traits[job.probe], job.source, sizes[job.binary]
            )
            for job in jobs
        }
        self.total = len(jobs)
        self.done = 0
        self._started = time.monotonic()
        self._cost_total = sum(self.cost(job) for job in jobs)
        self._cost_done = 0.0

    def cost(self, job: Job) -> float:
        return self._cost.get((job.binary, job.probe, job.source), 0.0)

    def finished(self, record: Record) -> JobFinished:
        self.done += 1
        self._cost_done += self.cost(record.job)
        share = min(1.0, self._cost_done / self._cost_total) if self._cost_total else 0.0
        elapsed_s = time.monotonic() - self._started
        eta_s = elapsed_s * (1 - share) / share if share >= _MIN_SHARE_FOR_ETA else None
        return JobFinished(record, self.done, max(self.done, self.total), elapsed_s, eta_s)

    def skip(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self.total -= 1
            self._cost_total -= self.cost(job)


class _Session:
    """One run on its way."""

    def __init__(
        self,
        request: RunRequest,
        writer: RunWriter,
        on_event: Callable[[Event], None],
    ) -> None:
        self._request = request
        self._writer = writer
        self._on_event = on_event
        self._not_measured: list[str] = []
        self._captures = writer.path / CAPTURES
        if request.keep_captures:
            self._captures.mkdir(exist_ok=True)

    def run(self, around: Surroundings, intake: Intake, past: Past) -> None:
        """Measure binary after binary."""
        self._around, self._intake, self._past = around, intake, past
        planned = plan(self._request, around)
        self._not_measured += planned.not_measured
        self._progress = _Progress(planned.jobs, self._request, around.traits)
        binaries = smallest_first(self._request.binaries)
        self._on_event(RunStarted(self._writer.path, len(binaries), len(planned.jobs)))
        for index, binary in enumerate(binaries):
            self._on_event(BinaryStarted(binary, index, len(binaries)))
            records = self._measure(binary, planned)
            for problem in draw_pages(self._writer, self._request, binary):
                self._not_measured.append(problem)
                self._on_event(Problem(binary, problem))
            self._writer.update_manifest(not_measured=self._not_measured)
            self._on_event(BinaryFinished(binary, records))
        found = overheads(past.observations)
        self._writer.update_manifest(overhead=found, modes=modes_of(self._request))
        self._on_event(RunFinished(self._writer.path, self._not_measured, found))

    def _measure(self, binary: Binary, planned: Plan) -> list[Record]:
        records = self._verify(binary)
        records += self._run([job for job in planned.jobs if job.binary == binary.name])
        seen = self._past.observations.get(binary.name, [])
        records += self._run(top_up_jobs(self._request, self._around, binary, seen))
        return records

    def _verify(self, binary: Binary) -> list[Record]:
        """See what each arm delivers from each source: what every measured run has to match.

        The first run over the binary leaves the package cache that source `replay` reads.
        """
        records: list[Record] = []
        for source in sources_of(self._request, binary):
            if source == REPLAY and not self._has_replay(binary):
                records += self._make_replay(binary)
            if source == DWARF or self._has_replay(binary):
                records += self._verify_source(binary, source)
            cells = {(binary.name, arm.name, source) for arm in self._request.arms}
            if cells.isdisjoint(self._past.expected):
                break
        self._report(binary, records)
        return records

    def _make_replay(self, binary: Binary) -> list[Record]:
        """Write the package cache by itself, when no run over the binary has left a whole one."""
        job = replay_job(self._request, self._around, binary)
        if self._past.has(job):
            return []  # it was refused before the run was interrupted
        (record,) = iter_records([job], self._settings())
        if record.status != "ok":
            self._store(record)
        return [record]

    def _verify_source(self, binary: Binary, source: str) -> list[Record]:
        jobs = [
            unmeasured_job(self._request, self._around, binary, arm, source)
            for arm in self._request.arms
        ]
        if source == DWARF and REPLAY in self._request.sources and not self._has_replay(binary):
            jobs[0] = recording(jobs[0], self._around)
        jobs = [job for job in jobs if _cell_of(job) not in self._past.delivered]
        records = []
        with closing(iter_records(jobs, self._settings())) as running:
            for record in running:
                self._store(confirm(record, self._intake))
                records.append(record)
                if record.status == "ok" and record.counters is not None:
                    self._past.expected[_cell_of(record.job)] = record.counters
        return records

    def _has_replay(self, binary: Binary) -> bool:
        """Tell whether there is a package cache of which every byte is as it was written."""
        return check_replay(Path(self._around.replays[binary.name])) is not None

    def _report(self, binary: Binary, records: list[Record]) -> None:
        """Say what failed, once for all arms that failed alike, and whether the arms agree."""
        reasons = {
            f"{binary.name}: {record.status}: {record.detail}": None
            for record in records
            if record.status != "ok"
        }
        for reason in reasons:
            self._not_measured.append(reason)
            self._on_event(Problem(binary, reason))
        if (
            len({record.digest for record in records if record.status == "ok" and record.digest})
            > 1
        ):
            self._on_event(Problem(binary, f"{binary.name}: the arms delivered different scopes"))

    def _run(self, jobs: list[Job]) -> list[Record]:
        """Run the jobs whose delivery is verified and which have no record yet."""
        possible = [
            job for job in jobs if _cell_of(job) in self._past.expected and not self._past.has(job)
        ]
        self._progress.skip(job for job in jobs if job not in possible)
        records = []
        with closing(iter_records(possible, self._settings())) as running:
            for record in running:
                self._store(confirm(record, self._intake))
                records.append(record)
                self._past.add(record)
                self._on_event(self._progress.finished(record))
        return records

    def _store(self, record: Record) -> None:
        self._writer.append(record)

    def _settings(self) -> Settings:
        return Settings(
            work=self._around.work,
            traits=self._around.traits,
            expected=self._past.expected,
            slots=self._request.slots,
            address_space_bytes=self._request.address_space_bytes,
            captures=str(self._captures) if self._request.keep_captures else "",
        )


def _cell_of(job: Job) -> Cell:
    return (job.binary, job.arm, job.source)
