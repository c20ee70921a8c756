"""No tracing at all: the only probe whose times are times."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from harness.records import Collection, HeapPoint, Metric

STAGE = "other"

_SMAPS = Path("/proc/self/smaps_rollup")


class UnmeasuredProbe:
    """Measure nothing; for runs whose result is what they deliver, not what they cost."""

    declares: tuple[str, ...] = ()
    environment: ClassVar[dict[str, str]] = {}
    capture_path = ""

    def __init__(self, scratch: str) -> None:
        """Need no scratch directory."""

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Run what is inside."""
        yield

    def metrics(self) -> list[Metric]:
        """Return no value."""
        return []

    def collections(self) -> list[Collection]:
        """Return no collection."""
        return []

    def timeline(self) -> list[HeapPoint]:
        """Return no point."""
        return []


class BareProbe(UnmeasuredProbe):
    """Wall and CPU time around the run, and the proportional set size at its end.

    Max RSS and context switches are declared here and measured by the launcher that reaps this
    process; they span its whole life, the interpreter's start included. The bytes sent are the
    pipeline's own count.
    """

    declares: tuple[str, ...] = (
        "wall",
        "cpu",
        "rss_peak",
        "context_switches_voluntary",
        "context_switches_involuntary",
        "payload_sent",
    )

    def __init__(self, scratch: str) -> None:
        super().__init__(scratch)
        self._metrics: list[Metric] = []
        if _SMAPS.exists():
            self.declares = (*self.declares, "pss_end")

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Take both clocks around what is inside."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            self._metrics = [Metric("wall", "second", wall), Metric("cpu", "second", cpu)]
            self._metrics += _pss()

    def metrics(self) -> list[Metric]:
        """Return the times, and the PSS where the kernel tells it."""
        return self._metrics


def _pss() -> list[Metric]:
    with suppress(OSError), _SMAPS.open(encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss:"):
                return [Metric("pss_end", "byte", int(line.split()[1]) * 1024)]
    return []
