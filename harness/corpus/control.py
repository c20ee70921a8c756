"""What a fetch does in the background: it tells how far it is, and can be called off."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Literal

from msgspec import Struct

from harness.errors import Cancelled

_KEPT_LINES = 40


Stage = Literal["wait", "download", "extract", "unpack", "build", "ready"]


class FetchStep(Struct, frozen=True):
    """One step forward; drawing it is the caller's.

    `source` is the wheel, for `ready` the binary, and for `wait` the directory. `done` of `total`
    counts bytes for `download` and `extract`, files for `unpack`, Go packages for `build`; a total
    of 0 means that nobody knows yet. Calls come from background threads.
    """

    source: str
    stage: Stage
    done: int = 0
    total: int = 0


OnProgress = Callable[[FetchStep], None]


def ignore(_: FetchStep) -> None:
    """Tell nobody."""


class FetchControl:
    """One fetch: its steps, and its commands; `cancel` ends it for good."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._cancelled = threading.Event()
        self._guard = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()

    @property
    def is_fetching(self) -> bool:
        """Whether a command is running now, which downloads or builds."""
        return bool(self._running)

    def cancel(self) -> None:
        """End the running commands with all their children, and refuse to start another."""
        self._cancelled.set()
        with self._guard:
            for process in self._running:
                if process.poll() is None:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGTERM)

    def report(self, source: str, stage: Stage, done: int = 0, total: int = 0) -> None:
        """Say what is being done, and how far it is."""
        self._on_progress(FetchStep(source, stage, done, total))

    def check(self) -> None:
        """Raise Cancelled once the control was called off."""
        if self._cancelled.is_set():
            raise Cancelled("the fetch was cancelled")

    def run(
        self,
        command: Sequence[str],
        on_line: Callable[[str], object],
        environment: Mapping[str, str] | None = None,
    ) -> tuple[int, list[str]]:
        """Run a command to its end; return its exit code and the last lines of its output.

        `on_line` gets each line, errors included. The `environment` is this process's own when
        absent.

        Raises:
            Cancelled: `cancel` was called.
        """
        process = self._start(command, environment)
        assert process.stdout is not None
        last: deque[str] = deque(maxlen=_KEPT_LINES)
        with process:
            for line in process.stdout:
                last.append(line.rstrip())
                on_line(last[-1])
        with self._guard:
            self._running.discard(process)
        self.check()
        return process.returncode, list(last)

    def _start(
        self, command: Sequence[str], environment: Mapping[str, str] | None
    ) -> subprocess.Popen[str]:
        # A group of its own, so that cancelling reaches the compilers that `go build` started.
        with self._guard:
            self.check()
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                text=True,
                errors="replace",
                process_group=0,
            )
            self._running.add(process)
            return process
