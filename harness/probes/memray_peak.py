"""Peak heap by memray, and who holds it: every allocation counted and traced to its line.

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

from harness.probes.bare import UNDER_PROBE, UnmeasuredProbe, exact_peak
from harness.probes.gc_marks import CollectionMarks
from harness.probes.guard import AllocatorGuard, leave_mark
from harness.probes.tracking import FileDestination, FileFormat, Tracker
from harness.records import Cost, HeapPoint, Metric

STAGE = "other"

CAPTURE = "capture.bin"


def aggregating_tracker(path: str, *, python: bool = True, interval_ms: int = 10) -> Tracker:
    """Return a tracker that sums live allocations by stack and writes them when it stops.

    Args:
        path: Of the capture.
        python: Whether Python's own allocators are traced, beside those of the C library.
        interval_ms: How often the heap is noted for the timeline; peaks do not depend on it.
    """
    return Tracker(
        destination=FileDestination(path, compress_on_exit=False),
        trace_python_allocators=python,
        memory_interval_ms=interval_ms,
        file_format=FileFormat.AGGREGATED_ALLOCATIONS,
    )


class MemrayProbe(UnmeasuredProbe):
    """Trace every allocator, Python's own among them, into a capture under `scratch`.

    The peak is in the capture, which another process reads.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        exact_peak("heap_peak_memray", 2, "memray", complete=True),
        *UNDER_PROBE,
    )
    # On C debug information (0.57 s of CPU untraced): memray 5.6 times, tracemalloc 10, gc 1.1.
    cost: ClassVar[Cost] = Cost(
        slowdown=6.0, replicates={"dwarf": (1, 1, 0, 0), "replay": (1, 1, 1, 1)}
    )
    alone: ClassVar[bool] = False
    trace_python_allocators: ClassVar[bool] = True

    def __init__(self, scratch: str) -> None:
        super().__init__(scratch)
        self.capture_path = str(Path(scratch, CAPTURE))
        self._marks = CollectionMarks()
        self._guard = AllocatorGuard()
        self.left_mark = False

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Trace what runs inside; the capture is complete when this is left.

        Raises:
            MeasurementInvalid: What runs inside has replaced the allocators or the callback.
        """
        tracker = aggregating_tracker(self.capture_path, python=self.trace_python_allocators)
        with self._marks.noting(), tracker:
            self._guard.note()
            self._marks.start_clock()
            yield
            self._guard.verify("memray")
            mark = leave_mark()
            self.left_mark = True
        del mark

    def timeline(self) -> list[HeapPoint]:
        """Return when collections began; how much was alive then is in the capture."""
        return self._marks.points()


class MemrayNativeProbe(MemrayProbe):
    """Trace the C library's allocators only, as memray does by default."""

    metrics = (exact_peak("heap_peak_memray_native", 3, "memray"), *UNDER_PROBE)
    cost = Cost(slowdown=2.0, replicates={"dwarf": (2, 2, 1, 1), "replay": (2, 2, 2, 1)})
    trace_python_allocators = False
