"""The shapes of everything that can be plugged in, and of what is handed to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import IO, TYPE_CHECKING, ClassVar, Protocol

from harness.config import PipelineOptions, UploadOptions
from harness.model import Package
from harness.records import Batch, Collection, Counters, HeapPoint, Metric

if TYPE_CHECKING:  # a measured process reads this file and must not load either
    from matplotlib.figure import Figure

    from harness.gates.evidence import Evidence
    from harness.stats.check import Check
    from harness.stats.frames import Frames


NO_DATA = "no-data"
"""The gid of a figure that has nothing to show."""


class Body(Protocol):
    """A request body that can be sent again: its length in bytes, and a fresh reader over it."""

    content_type: str

    def __len__(self) -> int: ...

    def open(self) -> IO[bytes]:
        """Return a new reader at the first byte; the caller closes it."""
        ...


class Poster(Protocol):
    """The HTTP side of an upload, as a pipeline sees it."""

    options: UploadOptions

    def post(self, body: Body) -> None:
        """Deliver one body, or raise UploadError; nothing else may come out."""
        ...


class Pipeline(Protocol):
    """Ship every scope once, in order, within the limits of `options`.

    Calls `observe` once a delivered batch, right after the intake accepted it.
    """

    def __call__(
        self,
        packages: Iterator[Package],
        poster: Poster,
        options: PipelineOptions,
        observe: Callable[[Batch], None],
    ) -> Counters:
        """Ship `packages` through `poster`, and return what was shipped."""
        ...


class Probe(Protocol):
    """One instrument around one pipeline run, in a process of its own.

    Entering starts it, leaving stops it and restores all state, exception or not. After that
    `values` holds only metrics that the class declares in `metrics`. The first metric of a probe
    with a capture file is read from that by `harness.probes.capture` in another process;
    `capture_path` says where the file is. The parent fills in what it measures itself and the
    class declares: `rss_peak`, `rss_growth`, `file_growth`, `private_start`, `payload_sent`,
    `context_switches_voluntary`, `context_switches_involuntary`, `cpu_under_probe` and
    `rss_under_probe`.

    A probe whose `left_mark` is true has called `harness.probes.guard.leave_mark` at the end: a
    capture in which that mark cannot be found is no measurement.

    A class may also declare its `cost`, the `environment` of its process, and with `alone = False`
    that its values do not depend on what else the machine does.
    """

    metrics: ClassVar[tuple[Metric, ...]]
    capture_path: str

    def measure(self) -> AbstractContextManager[None]:
        """Return the context in which the pipeline runs."""
        ...

    def values(self) -> dict[str, float]:
        """Return what was measured by name of metric, once the context is left."""
        ...

    def collections(self) -> list[Collection]:
        """Return the garbage collections that were seen; most probes see none."""
        ...

    def timeline(self) -> list[HeapPoint]:
        """Return live heap over time; most probes have none."""
        ...


class Plot(Protocol):
    """One picture that answers one question.

    The figure's title (`suptitle`) asks the question; its axes name their units. No data, one
    record and many records all give a figure; without data it says so and why, and has the gid
    `NO_DATA`, so that reports leave it out. Nothing global is touched: the figure is made from
    `matplotlib.figure.Figure`, never through pyplot.
    """

    def __call__(self, frames: Frames) -> Figure:
        """Draw the tables of one run."""
        ...


class Gate(Protocol):
    """One question whose answer can fail a job.

    Total over outcomes: whatever is missing, partial, damaged or no number gives a check that says
    so, never an exception and never silence. A worse input never passes more: neither a larger
    number nor one replicate less turns anything into a pass. No check at all means that the suite
    asks nothing of this gate.
    """

    def __call__(self, evidence: Evidence) -> list[Check]:
        """Judge what the suite asks of this gate, and nothing else."""
        ...
