"""Show how a fetch goes on: bars on a terminal, one line a step elsewhere."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from harness.corpus import FetchStep
from harness.units import format_seconds

_WORDS = {
    "wait": "waiting for another run in",
    "download": "downloading",
    "extract": "extracting",
    "unpack": "unpacking",
    "build": "building",
}


class FetchProgress:
    """A listener for `iter_fetch` and `resolve`; used as a context manager around them.

    With `bars` of somebody else, who then starts and stops them, it shows its steps among theirs.
    """

    def __init__(self, console: Console, bars: Bars | None = None) -> None:
        self._console = console
        self._bars = bars or Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._stages: dict[str, str] = {}
        self._started_s = time.monotonic()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, progress: FetchStep) -> None:
        """Show one step; may be called from any thread."""
        if self._console.is_terminal:
            self._move_bar(progress)
        else:
            self._print_step(progress)

    def _move_bar(self, progress: FetchStep) -> None:
        if progress.stage == "ready":
            return
        what = f"{_WORDS[progress.stage]} {progress.source}"
        task = self._tasks.get(progress.source)
        if task is None:
            task = self._tasks[progress.source] = self._bars.add_task(what, left="")
        if self._is_next(progress):
            self._bars.reset(task, description=what, total=progress.total or None)
        busy = not 0 < progress.total <= progress.done
        self._bars.update(task, completed=progress.done, total=progress.total or None, visible=busy)

    def _print_step(self, progress: FetchStep) -> None:
        if not self._is_next(progress):
            return
        elapsed = format_seconds(time.monotonic() - self._started_s)
        if progress.stage == "ready":
            self._console.print(f"{progress.source}: ready after {elapsed}", markup=False)
        else:
            self._console.print(f"{_WORDS[progress.stage]} {progress.source}", markup=False)

    def _is_next(self, progress: FetchStep) -> bool:
        """Tell whether a source has come to another stage."""
        before = self._stages.get(progress.source)
        self._stages[progress.source] = progress.stage
        return before != progress.stage
