"""Show a run while it lasts: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from harness.run.events import (
    BinaryFinished,
    BinaryStarted,
    Event,
    JobFinished,
    Problem,
    RunFinished,
    RunStarted,
)
from harness.units import format_seconds


class RunView:
    """Listens to a run's events.

    Attributes:
        wait_for: Called with a binary's name before it is measured; may block until it is there,
            and returns why it will never be, or nothing.
        run_dir: Where the results are; None until the run has begun.
        bars: For others who have something to show at the same time.

    With `quiet_rows` it prints no row when a binary is finished: there are not two arms to compare.
    When a run that has begun ends early, it says what is kept, and with `resumable` how to go on.
    """

    def __init__(
        self, console: Console, *, quiet_rows: bool = False, resumable: bool = False
    ) -> None:
        self._console = console
        self._quiet_rows = quiet_rows
        self._resumable = resumable
        self.wait_for: Callable[[str], str] = lambda _: ""
        self.run_dir: Path | None = None
        self._said_header = False
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bars.stop()
        if self.run_dir is not None and error is not None:
            self._say_what_is_kept(self.run_dir)

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case RunStarted(path, binaries, jobs):
                self.run_dir = path
                count = "1 binary" if binaries == 1 else f"{binaries} binaries"
                self._say(f"{count}, {jobs} measured processes, results in {path}")
                self._task = self.bars.add_task("starting", total=jobs, left="")
            case BinaryStarted(binary, index, total):
                self._move(description=f"{index + 1}/{total} {binary.name[:30]}")
                missing = self.wait_for(binary.name)
                if missing:
                    self._say(f"{binary.name} is not to be had: {missing}")
            case JobFinished(_, done, total, _, eta_s):
                left = "" if eta_s is None else f"about {format_seconds(eta_s)} left"
                self._move(completed=done, total=total, left=left)
            case BinaryFinished(binary, _):
                self._show_rows(binary.name)
            case Problem(_, message):
                self._say(message)
            case RunFinished():
                self._move(left="")

    def _move(self, **what: Any) -> None:
        self.bars.update(self._task, **what)

    def _show_rows(self, binary: str) -> None:
        from harness.publishing import read_findings  # noqa: PLC0415 - loads pandas
        from harness.reports.terminal import live_header, live_row  # noqa: PLC0415 - loads pandas

        if self.run_dir is None or self._quiet_rows:
            return
        findings = read_findings(self.run_dir, binary)
        if findings.summary.rows and not self._said_header:
            self._said_header = True
            arms = findings.summary.baseline, findings.summary.candidate
            self._console.print(live_header(arms))
        for row in findings.summary.rows:
            self._console.print(live_row(row))

    def _say_what_is_kept(self, run_dir: Path) -> None:
        self._say(f"what was measured is kept in {run_dir}")
        self._say(f"to see it: python -m harness report {run_dir}")
        if self._resumable:
            self._say(f"to go on: repeat the command with --resume {run_dir}")

    def _say(self, text: str) -> None:
        self._console.print(Text(text))
