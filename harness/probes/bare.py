"""No tracing at all: the only probe whose times are times."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from harness.records import Collection, Cost, HeapPoint, Metric

STAGE = "other"

_SMAPS = Path("/proc/self/smaps_rollup")

UNDER_PROBE = (
    Metric("cpu_under_probe", "second", compared=False),
    Metric("rss_under_probe", "byte", compared=False),
)
"""What tracing makes of `cpu` and `rss_peak`; for every probe that traces. The parent fills in."""


def exact_peak(name: str, rank: int, instrument: str = "", *, complete: bool = False) -> Metric:
    """Declare a definition of peak heap whose replicates agree to the byte.

    Args:
        name: Of the metric.
        rank: 1 for the best definition, 2 for the next.
        instrument: The distribution whose version the values depend on, if any.
        complete: It counts what C libraries take as well as what Python takes.
    """
    return Metric(
        name,
        "byte",
        exact=True,
        portable=True,
        instrument=instrument,
        erratic_above=0.02,
        peak_rank=rank,
        complete=complete,
    )


class UnmeasuredProbe:
    """Measure nothing; for runs whose result is what they deliver, not what they cost."""

    metrics: ClassVar[tuple[Metric, ...]] = ()
    environment: ClassVar[dict[str, str]] = {}
    capture_path = ""

    def __init__(self, scratch: str) -> None:
        """Need no scratch directory."""

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Run what is inside."""
        yield

    def values(self) -> dict[str, float]:
        """Return no value."""
        return {}

    def collections(self) -> list[Collection]:
        """Return no collection."""
        return []

    def timeline(self) -> list[HeapPoint]:
        """Return no point."""
        return []


class BareProbe(UnmeasuredProbe):
    """Wall and CPU time around the run, and the proportional set size at its end.

    Max RSS and context switches are declared here and measured by the launcher that reaps this
    process; they span its whole life, the interpreter's start included, and `rss_growth` is how far
    max RSS rose above what was resident when the run began, `private_start` what of that no
    file backs, `file_growth` how much more of files, libraries above all, was resident at its end.
    The bytes sent are the pipeline's own count.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("wall", "second", alone=True),
        Metric("cpu", "second"),
        Metric("rss_peak", "byte"),
        Metric("rss_growth", "byte", zero_allowed=True, compared=False),
        Metric("file_growth", "byte", zero_allowed=True, compared=False),
        Metric("private_start", "byte", compared=False),
        Metric("context_switches_voluntary", "count", zero_allowed=True, compared=False),
        Metric("context_switches_involuntary", "count", zero_allowed=True, compared=False),
        Metric("payload_sent", "byte", zero_allowed=True, compared=False),
        *([Metric("pss_end", "byte", compared=False)] if _SMAPS.exists() else []),
    )
    cost: ClassVar[Cost] = Cost(
        replicates={"dwarf": (2, 2, 1, 1), "replay": (2, 2, 2, 2), "call": (3, 3, 3, 3)},
        paired=("dwarf",),
    )

    def __init__(self, scratch: str) -> None:
        super().__init__(scratch)
        self._values: dict[str, float] = {}

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Take both clocks around what is inside."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            self._values = {"wall": wall, "cpu": cpu, **_pss()}

    def values(self) -> dict[str, float]:
        """Return the times, and the PSS where the kernel tells it."""
        return self._values


def _pss() -> dict[str, float]:
    with suppress(OSError), _SMAPS.open(encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss:"):
                return {"pss_end": int(line.split()[1]) * 1024}
    return {}
