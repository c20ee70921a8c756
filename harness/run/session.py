"""Measure everything a request names, what tells most first, and store each record as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

from msgspec import structs

from harness.intake.process import Intake, confirm
from harness.model import left_out_units
from harness.records import CALL, DIFFERENT, DIFFERENT_CALLS, VERIFY, Manifest, Record
from harness.run.cache import Deliveries, replay_paths
from harness.run.events import CellMeasured, Event, Problem, RunFinished, RunStarted, SourceMeasured
from harness.run.executor import Settings, iter_records
from harness.run.extensions import resolve_probes
from harness.run.flame import CAPTURES, draw_pages
from harness.run.frames import RECORD_REPLAY
from harness.run.limit import LimitSearch
from harness.run.manifest import code_digest, compile_code, first_manifest, modes_of
from harness.run.overhead import overheads
from harness.run.plan import Plan, RunContext, plan
from harness.run.replay import check_replay
from harness.run.request import RunRequest, checked
from harness.run.schedule import ALL_THERE, Schedule, Supply
from harness.run.scratch import scratch_directory
from harness.run.sources import REPLAY
from harness.run.standing_in import replicate_of
from harness.store import RunWriter
from harness.store.progress import ending, write_progress
from harness.text import first_cause

_ONLY_STORED = ("collections", "timeline", "holdings")
"""What no decision of a run needs: kept for thousands of binaries, it would fill the memory."""


def run_session(
    request: RunRequest, on_event: Callable[[Event], None], supply: Supply = ALL_THERE
) -> Path:
    """Measure all of `request` into a new run directory and return that.

    Whatever ends it early, Ctrl-C included, ends every child, marks the manifest as interrupted
    and comes out of here; what was stored by then stays and can be read.

    Args:
        request: What to measure, and where to.
        on_event: Called with everything that happens.
        supply: Tells which binaries are there; asked again and again for those that are not.

    Raises:
        HarnessError: The request cannot be, or the results directory cannot be written.
    """
    request = checked(request)
    with RunWriter.create(request.results, first_manifest(request)) as writer:
        measure_into(writer, request, on_event, supply)
        return writer.path


def measure_into(
    writer: RunWriter,
    request: RunRequest,
    on_event: Callable[[Event], None],
    supply: Supply = ALL_THERE,
    past: Iterable[Record] = (),
) -> None:
    """Measure what `past` does not have yet, and leave the manifest saying how that ended."""
    with ending(writer, lambda: _warnings(writer.manifest)):
        compile_code(request)
        with scratch_directory() as scratch, _receiver(request) as intake:
            context = context_of(writer, request, scratch, intake.url if intake else "")
            _Session(writer, request, on_event, intake).run(context, supply, list(past))


def _receiver(request: RunRequest) -> AbstractContextManager[Intake | None]:
    """Return what batches are posted to; callables post none."""
    return nullcontext() if set(request.sources) == {CALL} else Intake()


def _warnings(manifest: Manifest) -> list[str]:
    if code_digest() == manifest.code_sha256:
        return []
    return ["the code of harness changed during the run: its replicates may differ for that reason"]


def context_of(writer: RunWriter, request: RunRequest, scratch: Path, url: str) -> RunContext:
    """Return what the jobs of a run have to know of it."""
    work = scratch / "work"
    work.mkdir(mode=0o555)
    replays = replay_paths(request) if REPLAY in request.sources else {}
    if request.fresh:
        for path in replays.values():
            path.unlink(missing_ok=True)
    return RunContext(
        request=request,
        run_id=writer.run_id,
        intake_url=url,
        scratch=str(scratch),
        work=str(work),
        traits=resolve_probes(request.probes),
        replays={name: str(path) for name, path in replays.items()},
        recorded=frozenset(str(path) for path in set(replays.values()) if check_replay(path)),
    )


class _Session:
    """One run on its way."""

    def __init__(
        self,
        writer: RunWriter,
        request: RunRequest,
        on_event: Callable[[Event], None],
        intake: Intake | None,
    ) -> None:
        self._writer, self._request = writer, request
        self._on_event, self._intake = on_event, intake
        self._deliveries = Deliveries(request)
        self._differing: set[str] = set()
        self._captures = writer.path / CAPTURES
        if request.keep_captures:
            self._captures.mkdir(exist_ok=True)

    def run(self, context: RunContext, supply: Supply, past: list[Record]) -> None:
        """Do what is planned and not done yet, then say what it costs to look."""
        planned = plan(context)
        self._writer.update_manifest(not_measured=planned.not_measured)
        reused = self._reuse(planned, past)
        self._schedule = Schedule(context, planned.jobs, [*past, *reused], supply)
        jobs, binaries = self._schedule.progress.total, len(self._request.binaries)
        self._on_event(RunStarted(self._writer.path, binaries, jobs, len(reused)))
        self._unsaid = {s for s in self._request.sources if not self._schedule.is_measured(s)}
        settings = Settings(
            work=context.work,
            traits=context.traits,
            expected=self._schedule.expected,
            slots=self._request.slots,
            address_space_bytes=self._request.address_space_bytes,
            env=self._request.env,
            captures=str(self._captures) if self._request.keep_captures else "",
        )
        with closing(iter_records(self._schedule, settings)) as running:
            for record in running:
                self._take(record)
        if self._request.memory_limits:
            search = LimitSearch(self._writer, context, self._intake, self._on_event)
            if why := search.run(self._schedule.all_records()):
                self._problem("", why)
        self._finish()

    def _reuse(self, planned: Plan, past: list[Record]) -> list[Record]:
        """Store what earlier runs verified of the same work, instead of verifying it again."""
        if self._request.fresh:
            return []
        done = {replicate_of(record.job) for record in past}
        verifying = [job for job in planned.jobs if job.probe == VERIFY]
        found = [self._deliveries.find(job) for job in verifying if replicate_of(job) not in done]
        reused = [record for record in found if record is not None]
        for record in reused:
            self._writer.append(record)
            self._tell_left_out(record)
        return reused

    def _take(self, record: Record) -> None:
        """Store a record, what it shows of a delivery before it, and tell what is known by it."""
        record = confirm(record, self._intake)
        shown = self._schedule.shown_by(record)
        if shown is not None:
            self._keep(shown)
        if shown is None or shown.status == "ok":
            self._keep(record)

    def _keep(self, record: Record) -> None:
        job = record.job
        if job.probe != RECORD_REPLAY or record.status != "ok":
            self._writer.append(record)
        record = structs.replace(record, **{name: [] for name in _ONLY_STORED})
        self._schedule.add(record)
        if job.probe in {VERIFY, RECORD_REPLAY}:
            self._look_at(record)
        else:
            finished = self._schedule.progress.finish(record)
            write_progress(self._writer.path, finished.far)
            self._on_event(finished)
        for binary, source in self._schedule.take_measured():
            # None yet of one whose packages could not be recorded for another with its content.
            known = self._schedule.records.get(binary, ())
            found = [one for one in known if one.job.source == source]
            self._on_event(CellMeasured(binary, source, found))
        for source in sorted(self._unsaid):
            if self._schedule.is_measured(source):
                self._unsaid.discard(source)
                found = [one for one in self._schedule.all_records() if one.job.source == source]
                self._on_event(SourceMeasured(source, found))

    def _look_at(self, record: Record) -> None:
        """Say what was not delivered, once for all arms that failed alike, or not the same."""
        binary = record.job.binary
        if record.status != "ok":
            self._problem(binary, f"{binary}: {record.status}: {first_cause(record.detail)}")
            return
        if record.job.probe == VERIFY:
            self._deliveries.keep(record)
            self._tell_left_out(record)
        found = self._schedule.records[binary]
        digests = {one.digest for one in found if one.status == "ok" and one.digest}
        if len(digests) > 1 and binary not in self._differing:
            self._differing.add(binary)
            what = DIFFERENT_CALLS if record.job.call else DIFFERENT
            self._on_event(Problem(binary, f"{binary}: {what}"))

    def _tell_left_out(self, record: Record) -> None:
        """Say what the source left out whole: what is measured of such a binary is a part of it."""
        for reason, count in left_out_units(record.skipped).items():
            self._writer.note_unmeasured(f"part of {record.job.binary}: {count:,} x {reason}")

    def _problem(self, binary: str, message: str) -> None:
        if self._writer.note_unmeasured(message):
            self._on_event(Problem(binary, message))

    def _finish(self) -> None:
        for binary in self._request.binaries:
            for problem in draw_pages(self._writer, self._request, binary):
                self._problem(binary.name, problem)
        overhead = overheads(self._schedule.all_records())
        self._writer.update_manifest(overhead=overhead, modes=modes_of(self._request))
        self._on_event(RunFinished(self._writer.path))
