"""Show a run while it lasts: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from harness.records import Attempt, Job, Manifest, Record
from harness.run.events import (
    CellMeasured,
    Event,
    JobFinished,
    LimitTried,
    Problem,
    RunFinished,
    RunStarted,
    SourceMeasured,
)
from harness.store import Run, read_manifest
from harness.text import counted, first_cause
from harness.units import format_exactly, format_seconds, format_value

if TYPE_CHECKING:
    from harness.stats.summary import Summary

MOST_ROWS = 80
_TENTHS, _LONG = 10, 100
_TABLES = ("samples", "batches", "deliveries", "failures")


class RunView:
    """Listens to a run's events.

    Attributes:
        run_dir: Where the results are; None until the run has begun.
        bars: For others who have something to show at the same time.

    With `quiet_rows` it prints no row when a binary is finished: there are not two arms to compare.
    It prints `MOST_ROWS` rows at most: more of them nobody reads, and each delays the next job.
    Where no bar moves, nine lines say how far a long run has come.
    `inputs` is what one and several of what is measured are called.
    When a run that has begun ends early, it says what is kept, and with `resumable` how to go on.
    """

    def __init__(  # noqa: PLR0913 - how a run is shown, one word each
        self,
        console: Console,
        *,
        quiet_rows: bool = False,
        resumable: bool = False,
        inputs: tuple[str, str] = ("binary", "binaries"),
        quiet: bool = False,
        verbose: bool = False,
    ) -> None:
        self._inputs = inputs
        self._console = console
        self._quiet_rows = quiet_rows or quiet
        self._quiet, self._verbose = quiet, verbose
        self._resumable = resumable
        self.run_dir: Path | None = None
        self._said_header = False
        self._manifest: Manifest | None = None
        self._binaries = self._cells = self._tenths = 0
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(self, _: object, error: object, __: object) -> None:
        self.bars.stop()
        if self.run_dir is not None and error is not None:
            self._say_what_is_kept(self.run_dir)

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case RunStarted(path, binaries, jobs, reused, whole):
                self.run_dir, self._binaries = path, binaries
                one, many = self._inputs
                processes = counted(jobs, "measured process", "measured processes")
                planned = f"{jobs:,} to measure" if whole else processes
                self.note(f"{counted(binaries, one, many)}, {planned}, results in {path}")
                if reused:
                    deliveries = counted(reused, "delivery", "deliveries")
                    self.note(f"verified by earlier runs: {deliveries} (--fresh: again)")
                self._task = self.bars.add_task("starting", total=jobs, left="")
            case JobFinished():
                self._show_progress(event)
            case CellMeasured(_, _, records):
                self._show_row(records)
            case SourceMeasured(_, records):
                self._show_verdict(records)
            case Problem(_, message):
                self.note(message)
            case LimitTried(record):
                assert record.attempt is not None
                self._show_attempt(record.job, record.attempt)
            case RunFinished():
                self._move(left="")

    def _show_progress(self, event: JobFinished) -> None:
        """Move the bar; where there is none, print a line at each tenth of a long way."""
        record, far = event.record, event.far
        done, total = far.done, far.total
        failed = f"{far.failed:,} failed" if far.failed else ""
        time_left = "" if far.eta_s is None else f"about {format_seconds(far.eta_s)} left"
        left = ", ".join(filter(None, (failed, time_left)))
        shown = f"{record.job.binary[:30]}, {record.job.probe}"
        self._move(description=shown, completed=done, total=total, left=left)
        before, self._tenths = self._tenths, _TENTHS * done // total
        if self._verbose:
            self.say(f"{done}/{total}  {self._told(record)}")
        elif not self._console.is_terminal and total >= _LONG and before < self._tenths < _TENTHS:
            self.note(", ".join(filter(None, (f"{done:,} of {total:,} done", left))))

    def _show_attempt(self, job: Job, attempt: Attempt) -> None:
        limit = attempt.limit_bytes
        tried = f"{job.arm} {f'under {format_exactly(limit)}' if limit else 'without a limit'}"
        self._move(description=f"{job.binary[:30]}, {tried}", left="")
        if self._verbose:
            self.say(f"{job.binary}, {job.source}, {tried}: {attempt.outcome}")

    def _told(self, record: Record) -> str:
        """Return one replicate as a line: what it was, and its first value or what went wrong."""
        job = record.job
        what = f"{job.binary}, {job.source}, {job.arm}, {job.probe}, replicate {job.replicate + 1}"
        declared = self._read_manifest().metrics.get(job.probe, ())
        if record.status != "ok" or not declared:
            return f"{what}: {record.status} {first_cause(record.detail)}".rstrip()
        first = declared[0]
        value = record.values.get(first.name)
        return f"{what}: {'-' if value is None else format_value(value, first.unit)}"

    def _move(self, **what: Any) -> None:
        self.bars.update(self._task, **what)

    def _show_row(self, records: list[Record]) -> None:
        from harness.reports.terminal import live_header, live_row  # noqa: PLC0415 - loads pandas

        self._cells += 1
        if self._quiet_rows or self._cells > MOST_ROWS:
            return
        summary = self._summary(records)
        if summary.rows and not self._said_header:
            self._said_header = True
            self._console.print(live_header(summary))
        for row in summary.rows:
            self._console.print(live_row(row, summary))
        if self._cells == MOST_ROWS:
            self.say("no more rows while it runs: the report has them all")

    def _show_verdict(self, records: list[Record]) -> None:
        """Say what is known of all binaries before the instruments that add detail have run."""
        from harness.reports.headline import Headline  # noqa: PLC0415 - loads pandas

        if self._quiet_rows or self._binaries == 1:
            return
        for finding in Headline(self._summary(records)).iter_findings():
            self._console.print(Text.assemble((finding.answer, "bold"), " ", finding.support))

    def _summary(self, records: list[Record]) -> Summary:
        from harness.loading import frames_of  # noqa: PLC0415 - loads pandas
        from harness.stats.summary import summarise  # noqa: PLC0415 - likewise

        assert self.run_dir is not None
        run = Run(path=self.run_dir, manifest=self._read_manifest(), records=records, warnings=[])
        return summarise(frames_of(run, _TABLES))

    def _read_manifest(self) -> Manifest:
        assert self.run_dir is not None
        if self._manifest is None:  # once: it grows with the corpus, and is read for every row
            self._manifest = read_manifest(self.run_dir)
        return self._manifest

    def _say_what_is_kept(self, run_dir: Path) -> None:
        self.say(f"what was measured is kept in {run_dir}")
        self.say(f"to see it: python -m harness report {run_dir}")
        if self._resumable:
            self.say(f"to go on: repeat the command with --resume {run_dir}")

    def note(self, text: str) -> None:
        """Print a line that tells nothing of the outcome."""
        if not self._quiet:
            self.say(text)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(Text(text))
