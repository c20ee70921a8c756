"""What tracemalloc knows but does not offer: peaks of phases, and a snapshot at the peak.

docs/tracemalloc.md has examples. tracemalloc's own counter sees every allocation, so peaks of runs
and phases are exact to the byte (of what goes through Python's allocators). A snapshot cannot be
taken inside an allocation. This one is taken at the first boundary (a call or return of a Python
function, or of a function written in C; making an instance of a built-in type is none) where traced
memory exceeds the last snapshot by the factor `growth`. Hence, with n the number of snapshots:

- n <= 2 + log(peak / floor) / log(growth): the work is bounded however long the run.
- The last snapshot holds at least 1 / `growth` of the highest total seen at any such boundary.
- What rises and falls between two boundaries is missed by the snapshot, never by the peak.

Only one tracer can be active, and none while tracemalloc is in use by somebody else: who stops,
clears or resets it meanwhile makes the peak invalid.
"""

from __future__ import annotations

import math
import sys
import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from types import FrameType
from typing import Any, ClassVar, Self

from msgspec import Struct

from harness.config import MIB
from harness.errors import ConfigError, MeasurementInvalid
from harness.probes.bare import UNDER_PROBE, UnmeasuredProbe, exact_peak
from harness.probes.guard import disturbed
from harness.records import Cost, Metric

STAGE = "other"

__all__ = ["AtPeak", "PeakSnapshot", "PeakTracer", "PhasePeak", "TracemallocProbe"]

_CLOSE_ENOUGH = 0.999


class AtPeak(Struct, frozen=True, kw_only=True):
    """When to take a snapshot.

    Below `floor_bytes` none is taken. `expected_bytes`, when known, replaces both conditions.
    """

    growth: float = 1.05
    floor_bytes: int = MIB
    expected_bytes: int = 0

    def __post_init__(self) -> None:
        if not self.growth > 1.0 or self.floor_bytes <= 0:
            raise ConfigError("growth must exceed 1, and the floor 0 bytes")

    def snapshots_max(self, peak_bytes: int) -> int:
        """Return how many snapshots a run with that peak takes at most."""
        if peak_bytes < self.floor_bytes:
            return 0
        return 2 + math.floor(math.log(peak_bytes / self.floor_bytes) / math.log(self.growth))


class PhasePeak(Struct, kw_only=True):
    """One phase: traced bytes when it began and ended, and the most in between."""

    name: str
    start_bytes: int
    end_bytes: int = 0
    peak_bytes: int = 0


class PeakSnapshot:
    """What was alive near the peak, by source line.

    `total_bytes` is the traced memory when it was taken, `peak_bytes` the exact peak of the run.
    """

    def __init__(self, snapshot: tracemalloc.Snapshot, total_bytes: int, peak_bytes: int) -> None:
        self._snapshot = snapshot
        self.total_bytes = total_bytes
        self.peak_bytes = peak_bytes

    @property
    def missed_bytes(self) -> int:
        """How far the snapshot is below the peak, exactly."""
        return self.peak_bytes - self.total_bytes

    def by_line(self, modules: tuple[str, ...] = (), domain: int | None = None) -> Counter[str]:
        """Return live bytes by `file:line`, the allocating frame's.

        Args:
            modules: Module names, `*` allowed; a package stands for all in it. None means all.
            domain: Only this tracemalloc domain: 0 is Python's, others belong to extensions.
        """
        sizes: Counter[str] = Counter()
        for trace in self._snapshot.traces:
            frame = trace.traceback[-1]
            if domain in {None, trace.domain} and _in_modules(frame.filename, modules):
                sizes[f"{frame.filename}:{frame.lineno}"] += trace.size
        return sizes


class PeakTracer:
    """Trace memory while entered; read the results afterwards, or of finished phases before.

    Raises:
        MeasurementInvalid: On entering, when memory is being traced already; on leaving, when
            somebody else has stopped, cleared or reset the trace meanwhile.
    """

    def __init__(self, *, frames: int = 1, at_peak: AtPeak | None = None) -> None:
        self.phases: list[PhasePeak] = []
        self.peak_bytes = 0
        self.at_peak: PeakSnapshot | None = None
        self.snapshots = 0
        self._frames = frames
        self._policy = at_peak
        self._open: list[PhasePeak] = []
        self._latest: tuple[tracemalloc.Snapshot, int] | None = None
        self._threshold = self._first_threshold(at_peak)
        self._profilers: tuple[Any, Any] = (None, None)
        self._reset_peak = tracemalloc.reset_peak
        self._note_reset = self._reset_for_others
        self._reset_by_others = False
        self._sentinel: object = None

    def __enter__(self) -> Self:
        if tracemalloc.is_tracing():
            raise MeasurementInvalid("memory is being traced already", remedy="stop tracemalloc")
        self._profilers = (sys.getprofile(), threading.getprofile())
        _replace_everywhere(self._reset_peak, self._note_reset)
        tracemalloc.start(self._frames)
        self._sentinel = object()
        self._open = [PhasePeak(name="", start_bytes=0)]
        if self._policy:
            threading.setprofile(self._look)
            sys.setprofile(self._look)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, *_: object) -> None:
        if self._policy:
            sys.setprofile(self._profilers[0])
            threading.setprofile(self._profilers[1])
        self._fold()
        still_traced = tracemalloc.get_object_traceback(self._sentinel) is not None
        tracemalloc.stop()
        _replace_everywhere(self._note_reset, self._reset_peak)
        self.peak_bytes = self._open[0].peak_bytes
        if self._latest:
            self.at_peak = PeakSnapshot(*self._latest, self.peak_bytes)
        if error is None and not still_traced:
            raise disturbed("tracemalloc", "its trace was stopped or cleared")
        if error is None and self._reset_by_others:
            raise disturbed("tracemalloc", "its peak was reset")

    @contextmanager
    def phase(self, name: str) -> Iterator[PhasePeak]:
        """Measure a part of the run; phases may be nested, and each has its own exact peak."""
        self._fold()
        start_bytes, _ = tracemalloc.get_traced_memory()
        phase = PhasePeak(name=name, start_bytes=start_bytes)
        self._open.append(phase)
        try:
            yield phase
        finally:
            self._fold()
            self._open.remove(phase)
            phase.end_bytes, _ = tracemalloc.get_traced_memory()
            self.phases.append(phase)

    def _fold(self) -> None:
        """Give the peak since the last fold to every open phase, and start a new one."""
        _, peak_bytes = tracemalloc.get_traced_memory()
        for phase in self._open:
            phase.peak_bytes = max(phase.peak_bytes, peak_bytes)
        self._reset_peak()

    def _reset_for_others(self) -> None:
        """Do for others what `tracemalloc.reset_peak` does, which spoils the peak of this."""
        self._reset_by_others = True
        self._reset_peak()

    def _look(self, _frame: FrameType, _event: str, _arg: object) -> None:
        current, _ = tracemalloc.get_traced_memory()
        if current >= self._threshold:
            assert self._policy is not None
            self._latest = None  # two snapshots at a time would be one too many
            self._latest = (tracemalloc.take_snapshot(), current)
            self.snapshots += 1
            self._threshold = current * self._policy.growth

    @staticmethod
    def _first_threshold(policy: AtPeak | None) -> float:
        if policy is None:
            return math.inf
        return policy.expected_bytes * _CLOSE_ENOUGH or policy.floor_bytes


def _replace_everywhere(function: object, other: object) -> None:
    """Put `other` where any module has `function`, also where it was imported by its name."""
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", {})
        for name in [name for name, value in names.items() if value is function]:
            setattr(module, name, other)


def _in_modules(filename: str, modules: tuple[str, ...]) -> bool:
    path = filename.removesuffix(".py")
    for module in modules:
        tail = "*/" + module.replace(".", "/")
        if any(fnmatchcase(path, pattern) for pattern in (tail, f"{tail}/*")):
            return True
    return not modules


class TracemallocProbe(UnmeasuredProbe):
    """Trace Python's allocators with one frame a trace, and nothing else on top."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        exact_peak("heap_peak_tracemalloc", 4),
        *UNDER_PROBE,
    )
    # Not worth its time on a large binary: memray says there what it would say.
    cost: ClassVar[Cost] = Cost(
        slowdown=10.0, replicates={"dwarf": (1, 0, 0, 0), "replay": (1, 1, 0, 0)}
    )
    alone: ClassVar[bool] = False

    def __init__(self, scratch: str) -> None:
        super().__init__(scratch)
        self._tracer = PeakTracer()

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Trace what runs inside."""
        with self._tracer:
            yield

    def values(self) -> dict[str, float]:
        """Return the exact peak."""
        return {"heap_peak_tracemalloc": self._tracer.peak_bytes}
