"""What the reading of one file may take: entries and time, spent by whoever walks whole units."""

from __future__ import annotations

import time

from harness.config import Limits
from harness.errors import InputRejected

STEP = 16 * 1024
"""After how many entries a walk should say what it has spent."""


class Budget:
    """Counts entries and looks at the clock; both run from when the file was opened."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entries = 0
        self._deadline = time.monotonic() + limits.wall_s

    def spend(self, entries: int) -> None:
        """Count entries of .debug_info.

        Raises:
            InputRejected: There were too many, or too much time is gone.
        """
        self._entries += entries
        if self._entries > self._limits.dies:
            raise InputRejected(
                f"more than {self._limits.dies} entries, which is the limit", section=".debug_info"
            )
        self.check_time()

    def check_time(self) -> None:
        """Raise InputRejected once too much time is gone."""
        if time.monotonic() > self._deadline:
            raise InputRejected(
                f"still not read after {self._limits.wall_s:g} s, which is the limit"
            )
