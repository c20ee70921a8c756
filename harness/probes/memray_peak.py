"""Peak heap by memray: every allocation counted, exact to the byte.

`memray` traces Python's own allocators, so each object counts with the size that was asked for.
`memray-native` sees what Python asks of the C library instead: arenas of 1 MiB and everything
above 512 bytes. The two are different quantities and never pooled.

Captures are aggregated: live allocations are summed by stack in the worker and written when the
probe stops. For one synthetic run the other format took 29 MB and 8.9 s to read back; this one
takes 12 kB and 0.02 s, for 1.5 s more of tracing, with equal peak and records. And a worker that
is killed leaves a capture that cannot be taken for a whole one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from memray import FileDestination, FileFormat, Tracker

from harness.probes.bare import UNDER_PROBE
from harness.probes.gc_marks import CollectionMarks
from harness.records import Collection, Cost, HeapPoint, Metric

STAGE = "other"

CAPTURE = "capture.bin"


def _peak(name: str, rank: int) -> Metric:
    return Metric(
        name,
        "byte",
        exact=True,
        portable=True,
        instrument="memray",
        erratic_above=0.02,
        peak_rank=rank,
    )


class MemrayProbe:
    """Trace every allocator, Python's own among them, into a capture under `scratch`."""

    metrics: ClassVar[tuple[Metric, ...]] = (_peak("heap_peak_memray", 1), *UNDER_PROBE)
    # On C debug information (0.57 s of CPU untraced): memray 5.6 times, tracemalloc 10, gc 1.1.
    cost: ClassVar[Cost] = Cost(
        slowdown=6.0, replicates={"dwarf": (2, 2, 1, 1), "replay": (2, 2, 2, 2)}
    )
    alone: ClassVar[bool] = False
    environment: ClassVar[dict[str, str]] = {}
    trace_python_allocators: ClassVar[bool] = True

    def __init__(self, scratch: str) -> None:
        self.capture_path = str(Path(scratch, CAPTURE))
        self._marks = CollectionMarks()

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Trace what runs inside; the capture is complete when this is left."""
        destination = FileDestination(self.capture_path, compress_on_exit=False)
        tracker = Tracker(
            destination=destination,
            trace_python_allocators=self.trace_python_allocators,
            file_format=FileFormat.AGGREGATED_ALLOCATIONS,
        )
        with self._marks.noting(), tracker:
            self._marks.start_clock()
            yield

    def values(self) -> dict[str, float]:
        """Return nothing: the peak is in the capture, which another process reads."""
        return {}

    def collections(self) -> list[Collection]:
        """Return nothing: pauses and the heap around them are what probe `gc` is for."""
        return []

    def timeline(self) -> list[HeapPoint]:
        """Return when collections began; how much was alive then is in the capture."""
        return self._marks.points()


class MemrayNativeProbe(MemrayProbe):
    """Trace the C library's allocators only, as memray does by default."""

    metrics = (_peak("heap_peak_memray_native", 2), *UNDER_PROBE)
    cost = Cost(slowdown=2.0, replicates={"dwarf": (2, 2, 1, 1), "replay": (2, 2, 2, 1)})
    trace_python_allocators = False
