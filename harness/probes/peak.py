"""Peak heap by memray without attribution: every allocation counted, none traced to its line.

memray counts in the allocators and attributes by a profile function that CPython calls at every
call and return. Most of its cost is that function, and some of its peak: while one is set, CPython
3.11 makes an array of line numbers for each code object that is called, and keeps it. So the hook
goes right after tracking has begun. The counts do not depend on it, in whatever thread memory is
taken; only the stack of each allocation is then unknown.

The capture has one record per allocator and thread. Its own process reads the peak back from its
header, which no damage to the records can touch; memray says on standard error when it could not
write, and then the replicate does not count.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from harness.probes.bare import UNDER_PROBE, UnmeasuredProbe, exact_peak
from harness.probes.guard import AllocatorGuard
from harness.probes.memray_peak import CAPTURE, aggregating_tracker
from harness.probes.tracking import FileReader
from harness.records import Cost, Metric

STAGE = "other"

_INTERVAL_MS = 60_000  # nobody reads a timeline without holders: no thread need wake up for it


class PeakProbe(UnmeasuredProbe):
    """Count every allocation, Python's own among them, and attribute none."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        exact_peak("heap_peak", 1, "memray", complete=True),
        *UNDER_PROBE,
    )
    cost: ClassVar[Cost] = Cost(
        slowdown=1.8,
        replicates={"dwarf": (2, 2, 2, 2), "replay": (2, 2, 2, 2), "call": (2, 2, 2, 2)},
    )
    alone: ClassVar[bool] = False

    def __init__(self, scratch: str) -> None:
        super().__init__(scratch)
        self._path = str(Path(scratch, CAPTURE))
        self._peak_bytes = 0
        self._guard = AllocatorGuard()

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Count what runs inside, and read the peak when this is left.

        Raises:
            MeasurementInvalid: What runs inside has replaced the allocators.
        """
        with aggregating_tracker(self._path, interval_ms=_INTERVAL_MS):
            # memray has set its profile function for this thread and for those still to come, and
            # puts back what was there before when it stops.
            sys.setprofile(None)
            threading.setprofile(None)
            self._guard.note()
            yield
            self._guard.verify("memray")
        with FileReader(self._path) as reader:
            self._peak_bytes = reader.metadata.peak_memory

    def values(self) -> dict[str, float]:
        """Return the peak."""
        return {"heap_peak": self._peak_bytes}
