"""How far a reader follows its input: what reading one file has taken, and what to say at a limit.

Entries, line rows and time are spent by whoever walks whole units.
"""

from __future__ import annotations

import time

from harness.config import Limits
from harness.errors import InputRejected

STAGE = "extraction"


def beyond(  # noqa: PLR0913 - the parts of one message
    limit: str,
    value: float,
    reason: str,
    *,
    file: str = "",
    section: str = "",
    offset: int | None = None,
) -> InputRejected:
    """Return the rejection of a file that asks for more than a limit allows."""
    return InputRejected(
        f"{reason}, which is the limit",
        file=file,
        section=section,
        offset=offset,
        remedy=f"if the file is sound, allow more: --limit {limit}={max(2 * value, 1)}",
    )


STEP = 16 * 1024
"""After how many entries a walk should say what it has spent."""


class ReadingBudget:
    """Counts entries and line rows of one file, and looks at the clock.

    The clock is the CPU time of the thread that reads: neither a busy machine nor a slow receiver
    says anything about the file. It stands still while the consumer of what was read is at work.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entries = self._rows = self._output_bytes = 0
        self._deadline = time.thread_time() + limits.cpu_s
        self._paused_at: float | None = None

    def pause(self) -> None:
        """Stop the clock.

        Raises:
            InputRejected: Too much time is gone.
        """
        self._paused_at = time.thread_time()
        if self._paused_at > self._deadline:
            raise self._out_of_time()

    def resume(self) -> None:
        """Let the clock go on; it may be running."""
        if self._paused_at is not None:
            self._deadline += time.thread_time() - self._paused_at
            self._paused_at = None

    def spend(self, entries: int) -> None:
        """Count entries of .debug_info.

        Raises:
            InputRejected: There were too many, or too much time is gone.
        """
        self._entries += entries
        self.foresee(0)

    def foresee(self, entries: int) -> None:
        """Raise if so many more entries would be too many, or if too much time is gone."""
        if self._entries + entries > self._limits.dies:
            most = self._limits.dies
            raise beyond("dies", most, f"more than {most} entries", section=".debug_info")
        self.check_time()

    def spend_rows(self, rows: int) -> None:
        """Count rows of line tables; raise if there were too many, or too much time is gone."""
        self._rows += rows
        if self._rows > self._limits.line_rows:
            most = self._limits.line_rows
            raise beyond("line_rows", most, f"more than {most} line rows", section=".debug_line")
        self.check_time()

    def spend_output(self, size: int) -> None:
        """Count what is delivered; raise if there was too much."""
        self._output_bytes += size
        most = self._limits.output_bytes
        if self._output_bytes > most:
            raise beyond("output_bytes", most, f"scopes of more than {most} bytes")

    def check_time(self) -> None:
        """Raise InputRejected once too much time is gone."""
        if time.thread_time() > self._deadline:
            raise self._out_of_time()

    def _out_of_time(self) -> InputRejected:
        most_s = self._limits.cpu_s
        return beyond("cpu_s", most_s, f"still not read after {most_s:g} s of CPU time")
