"""What each flush threshold comes to, from the stored run of a sweep."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from msgspec import Struct

from harness.config import LimitOptions
from harness.errors import ConfigError, GateFailed
from harness.limits.edge import SURVIVED
from harness.records import ON_DISK
from harness.stats.batches import batching_of
from harness.stats.frames import Frames
from harness.stats.limits import found_limits
from harness.stats.quantity import worst_values
from harness.stats.summary import best_peak
from harness.units import parse_bytes

_CONTAINER = "container"
SWEEP = "sweep"
"""The `kind` in the manifest of a run whose arms are one pipeline at several thresholds."""


class SweepPoint(Struct, frozen=True):
    """What one threshold came to on one binary; values are the worst of the replicates.

    `overshoot_bytes` is the largest of any batch that is not final, None when there is none;
    `disk_peak_bytes` is the peak with the batches in a temporary file, None if not measured;
    `outcome` is what became of it under the memory limit that was tried, None without one.
    """

    binary: str
    source: str
    arm: str
    threshold_bytes: int
    peak_bytes: int
    batches: int
    overshoot_bytes: int | None
    wall_s: float | None
    outcome: str | None = None
    disk_peak_bytes: int | None = None

    @property
    def is_reached(self) -> bool:
        """Whether the threshold was reached; else the peak says nothing about a larger input."""
        return self.overshoot_bytes is not None


def sweep_points(frames: Frames) -> list[SweepPoint]:
    """Return one point for each binary and arm whose peak was measured, by growing threshold.

    Each arm of a sweep has a threshold of its own, which its pipeline may not heed: what it says of
    its batches is another matter. The peak is the best that was measured.
    """
    asked = {
        arm.name: arm.options.threshold_bytes for arm in frames.manifest.options.arms if arm.options
    }
    metric = best_peak(frames)
    outcomes = {
        (one.binary, one.source, one.arm): one.at(limit)
        for one in found_limits(frames)
        for limit in one.outcomes
        if not one.problem
    }
    worst, on_disk = worst_values(frames.samples), worst_values(frames.aside)
    points = [
        SweepPoint(
            *case,
            threshold_bytes=asked.get(case[2], batching.threshold_bytes),
            peak_bytes=int(worst[*case, metric]),
            batches=batching.most,
            overshoot_bytes=batching.largest_overshoot_bytes,
            wall_s=worst.get((*case, "wall")),
            outcome=outcomes.get(case),
            disk_peak_bytes=_whole(on_disk.get((case[0], case[1], case[2] + ON_DISK, metric))),
        )
        for case, batching in batching_of(frames.batches).items()
        if (*case, metric) in worst
    ]
    return sorted(points, key=lambda one: (one.binary, one.source, one.threshold_bytes))


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def budget_of(text: str | None) -> tuple[int | None, LimitOptions | None]:
    """Return a budget of peak heap, or how a container's limit is tried; nothing without one.

    Raises:
        ConfigError: It is neither.
    """
    if text is None:
        return None, None
    kind, colon, size = text.rpartition(":")
    try:
        size_bytes = parse_bytes(size)
    except ConfigError as error:
        raise ConfigError(f"--budget: {error.message}", remedy=error.remedy) from None
    if not colon:
        return size_bytes, None
    if kind != _CONTAINER:
        raise ConfigError(
            f"no budget is called {kind!r}", remedy=f"write SIZE, or {_CONTAINER}:SIZE"
        )
    return None, LimitOptions(replicates=1, under_bytes=(size_bytes,))


def largest_within(points: Iterable[SweepPoint], budget_bytes: float) -> SweepPoint | None:
    """Return the point with the largest threshold whose peak is within the budget, if any is."""
    fitting = [point for point in points if point.peak_bytes <= budget_bytes]
    return max(fitting, key=lambda point: point.threshold_bytes, default=None)


def fitting(
    points: Iterable[SweepPoint], budget_bytes: float | None
) -> dict[str, SweepPoint | None]:
    """Return for each binary the point with the largest threshold that fits, or None.

    Without a budget, a point fits that has survived the memory limit that was tried.
    """
    by_binary: dict[str, list[SweepPoint]] = {}
    for point in points:
        by_binary.setdefault(point.binary, []).append(point)
    if budget_bytes is None:
        return {
            name: largest_within((one for one in mine if one.outcome == SURVIVED), inf)
            for name, mine in by_binary.items()
        }
    return {name: largest_within(mine, budget_bytes) for name, mine in by_binary.items()}


def refuse_beyond(
    points: Iterable[SweepPoint], budget_bytes: int | None, asked: str, remedy: str
) -> None:
    """Refuse a sweep in which no threshold keeps some binary within what was asked.

    Raises:
        GateFailed: The binaries are named.
    """
    beyond = [name for name, best in fitting(points, budget_bytes).items() if best is None]
    if beyond:
        names = ", ".join(beyond)
        raise GateFailed(f"no threshold keeps {names} within {asked}", remedy=remedy)
