"""What each flush threshold comes to, from the stored run of a sweep."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from harness.errors import GateFailed
from harness.stats.batches import batching_of
from harness.stats.frames import Frames, succeeded
from harness.stats.summary import best_peak
from harness.units import format_bytes

SWEEP = "sweep"
"""The `kind` in the manifest of a run whose arms are one pipeline at several thresholds."""


class SweepPoint(Struct, frozen=True):
    """What one threshold came to on one binary; values are the worst of the replicates.

    `overshoot_bytes` is the largest of any batch that is not final, None when there is none.
    """

    binary: str
    source: str
    arm: str
    threshold_bytes: int
    peak_bytes: int
    batches: int
    overshoot_bytes: int | None
    wall_s: float | None

    @property
    def is_reached(self) -> bool:
        """Whether the threshold was reached; else the peak says nothing about a larger input."""
        return self.overshoot_bytes is not None


def sweep_points(frames: Frames, metric: str = "") -> list[SweepPoint]:
    """Return one point for each binary and arm whose peak was measured, by growing threshold.

    Args:
        frames: The tables of a run of kind `sweep`, in which each arm has a threshold of its own.
        metric: The definition of peak heap; without one, the best that was measured.
    """
    metric = metric or best_peak(frames)
    samples = succeeded(frames.samples)
    worst = samples.groupby(["binary", "source", "arm", "metric"])["value"].max().to_dict()
    points = [
        SweepPoint(
            *case,
            threshold_bytes=batching.threshold_bytes,
            peak_bytes=int(worst[*case, metric]),
            batches=batching.most,
            overshoot_bytes=batching.largest_overshoot_bytes,
            wall_s=worst.get((*case, "wall")),
        )
        for case, batching in batching_of(frames.batches).items()
        if (*case, metric) in worst
    ]
    return sorted(points, key=lambda one: (one.binary, one.source, one.threshold_bytes))


def largest_within(points: Iterable[SweepPoint], budget_bytes: float) -> SweepPoint | None:
    """Return the point with the largest threshold whose peak is within the budget, if any is."""
    fitting = [point for point in points if point.peak_bytes <= budget_bytes]
    return max(fitting, key=lambda point: point.threshold_bytes, default=None)


def fitting(points: Iterable[SweepPoint], budget_bytes: float) -> dict[str, SweepPoint | None]:
    """Return for each binary the point with the largest threshold within the budget, or None."""
    by_binary: dict[str, list[SweepPoint]] = {}
    for point in points:
        by_binary.setdefault(point.binary, []).append(point)
    return {name: largest_within(mine, budget_bytes) for name, mine in by_binary.items()}


def refuse_beyond(points: Iterable[SweepPoint], budget_bytes: int | None) -> None:
    """Refuse a sweep in which no threshold keeps some binary within the budget, if there is one.

    Raises:
        GateFailed: The binaries are named.
    """
    if budget_bytes is None:
        return
    beyond = [name for name, best in fitting(points, budget_bytes).items() if best is None]
    if beyond:
        raise GateFailed(
            f"no threshold keeps {', '.join(beyond)} within {format_bytes(budget_bytes)}",
            remedy="raise the budget or change the pipeline",
        )
