"""Every run of the cyclic collector, with the live heap before and after it.

Live heap is what the C library's allocator has handed out and not got back: `mallinfo2`, in-use
bytes plus mapped blocks, allocator overhead included. For Python's objects to be in it, Python
must allocate from the C library, so this probe runs under `PYTHONMALLOC=malloc`. Values are
relative to the moment the probe started.

CPython has no heap goal, and reference counting frees most memory without any collection: a
collection happens when the count of new containers passes a threshold, not when memory is short.
The peak here is the largest value seen *at* a collection's start or end, or at either end of the
run; what rose and fell between two collections is not seen.
"""

from __future__ import annotations

import ctypes
import gc
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Self

from harness.errors import MeasurementInvalid
from harness.probes.bare import UNDER_PROBE, UnmeasuredProbe
from harness.probes.gc_marks import remove_callback
from harness.probes.guard import disturbed
from harness.records import Collection, Cost, HeapPoint, Metric

STAGE = "other"

_COLUMNS = 7
_ROOM = 8192 * _COLUMNS


class _Mallinfo2(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, type[ctypes.c_size_t]]]] = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def live_heap_reader() -> Callable[[], int]:
    """Return a function that tells the bytes handed out by the C library, in about a microsecond.

    Raises:
        MeasurementInvalid: The C library has no `mallinfo2`; glibc has it since 2.33.
    """
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        raise MeasurementInvalid(
            "this C library has no mallinfo2", remedy="probe gc needs glibc 2.33 or later"
        ) from None
    mallinfo2.restype = _Mallinfo2

    def live_heap() -> int:
        info = mallinfo2()
        return int(info.uordblks + info.hblkhd)

    return live_heap


class CollectorTrace:
    """Record each collection while entered; rows go into memory set aside beforehand.

    Raises:
        MeasurementInvalid: On leaving, when the collector did not always call back.
    """

    def __init__(self) -> None:
        self._live_heap = live_heap_reader()
        self._rows = array("d", bytes(8 * _ROOM))
        self._used = 0
        self._runs = 0
        self._begun: tuple[float, int] = (0.0, 0)
        self.started = time.monotonic()
        self.base_bytes = 0
        self.peak_bytes = 0

    def __enter__(self) -> Self:
        self.started = time.monotonic()
        self.base_bytes = self._live_heap()
        self._runs = _runs_so_far()
        gc.callbacks.append(self._called)
        return self

    def __exit__(self, _kind: object, failed: BaseException | None, *_: object) -> None:
        self.peak_bytes = max(self.peak_bytes, self._heap())
        remove_callback(self._called, failed)
        if failed is None and _runs_so_far() - self._runs != self._used // _COLUMNS:
            raise disturbed("the collector's trace", "its callback was removed for some time")

    def collections(self) -> list[Collection]:
        """Return what was recorded, oldest first."""
        rows = (self._rows[at : at + _COLUMNS] for at in range(0, self._used, _COLUMNS))
        return [_collection(row) for row in rows]

    def _heap(self) -> int:
        return self._live_heap() - self.base_bytes

    def _called(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            before = self._heap()
            self._begun = (time.monotonic(), before)
            return
        ended = time.monotonic()
        start, before = self._begun
        after = self._heap()
        self.peak_bytes = max(self.peak_bytes, before, after)
        self._keep(
            (info["generation"], start - self.started, ended - start, before, after),
            (info["collected"], info["uncollectable"]),
        )

    def _keep(self, timing: tuple[float, ...], outcome: tuple[float, ...]) -> None:
        if self._used == len(self._rows):
            self._rows.extend(array("d", bytes(8 * _ROOM)))
        row = array("d", (*timing, *outcome))
        self._rows[self._used : self._used + _COLUMNS] = row
        self._used += _COLUMNS


def _runs_so_far() -> int:
    return sum(generation["collections"] for generation in gc.get_stats())


def _collection(row: array[float]) -> Collection:
    generation, start_s, duration_s, before, after, collected, uncollectable = row
    return Collection(
        generation=int(generation),
        start_s=start_s,
        duration_s=duration_s,
        heap_before_bytes=int(before),
        heap_after_bytes=int(after),
        collected=int(collected),
        uncollectable=int(uncollectable),
    )


def trace_line(number: int, collection: Collection) -> str:
    """Return one line in the spirit of Go's gctrace.

    For example `gc 12 @0.532s gen2: 47.4->12.1 MiB, 33.1 ms, 1200 collected, 0 uncollectable`.
    """
    mib = 1 << 20
    return (
        f"gc {number} @{collection.start_s:.3f}s gen{collection.generation}: "
        f"{collection.heap_before_bytes / mib:.1f}->{collection.heap_after_bytes / mib:.1f} MiB, "
        f"{collection.duration_s * 1000:.1f} ms, "
        f"{collection.collected} collected, {collection.uncollectable} uncollectable"
    )


class GcProbe(UnmeasuredProbe):
    """Trace the collector over the run."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("heap_peak_gc", "byte", erratic_above=0.02, peak_rank=5),
        Metric("gc_pause_total", "second", zero_allowed=True, compared=False),
        Metric("gc_pause_max", "second", zero_allowed=True, compared=False),
        Metric("gc_runs", "count", zero_allowed=True, compared=False),
        *UNDER_PROBE,
    )
    cost: ClassVar[Cost] = Cost(
        slowdown=1.2, replicates={"dwarf": (1, 0, 0, 0), "replay": (1, 1, 1, 1)}
    )
    alone: ClassVar[bool] = False
    environment: ClassVar[dict[str, str]] = {"PYTHONMALLOC": "malloc"}

    def __init__(self, scratch: str) -> None:
        super().__init__(scratch)
        self._trace = CollectorTrace()

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Record the collections of what runs inside."""
        with self._trace:
            yield

    def values(self) -> dict[str, float]:
        """Return the peak at collection boundaries, and what the collector cost."""
        pauses = [collection.duration_s for collection in self._trace.collections()]
        return {
            "heap_peak_gc": self._trace.peak_bytes,
            "gc_pause_total": sum(pauses),
            "gc_pause_max": max(pauses, default=0.0),
            "gc_runs": len(pauses),
        }

    def collections(self) -> list[Collection]:
        """Return every collection, oldest first."""
        return self._trace.collections()

    def timeline(self) -> list[HeapPoint]:
        """Return the live heap at each end of every collection."""
        return [
            point
            for collection in self._trace.collections()
            for point in (
                HeapPoint(collection.start_s, collection.heap_before_bytes),
                HeapPoint(collection.start_s + collection.duration_s, collection.heap_after_bytes),
            )
        ]
