"""Live heap over time as a line: on a steady clock, with few points, and with collections on it."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import median

from msgspec import structs

from harness.records import HeapPoint

_JUMP_MS = 60_000.0


def steady_times(times_ms: Sequence[float]) -> list[float]:
    """Return times since the first, in which a clock that was set does not show.

    memray takes its times from the wall clock, some 100 a second. A step back, or of more than a
    minute ahead, is the clock being set, and counts as an ordinary step.
    """
    steps = [after - before for before, after in pairwise(times_ms)]
    sound = [step for step in steps if 0 <= step <= _JUMP_MS]
    ordinary = median(sound) if sound else 0.0
    usual = (step if 0 <= step <= _JUMP_MS else ordinary for step in steps)
    return list(accumulate(usual, initial=0.0))


def thin_out(points: list[HeapPoint], most: int) -> list[HeapPoint]:
    """Return at most `most` points, of each stretch the highest: no peak is thinned away."""
    stretches = min(most, len(points))
    bounds = [len(points) * index // max(1, stretches) for index in range(stretches + 1)]
    return [
        max(points[start:end], key=lambda point: point.heap_bytes)
        for start, end in pairwise(bounds)
    ]


def merged(line: list[HeapPoint], marks: list[HeapPoint]) -> list[HeapPoint]:
    """Return a line with marks on it, each at the height that the line has at its time."""
    if not line:
        return []
    times = [point.at_s for point in line]
    placed = [structs.replace(mark, heap_bytes=_height(line, times, mark.at_s)) for mark in marks]
    return sorted([*line, *placed], key=lambda point: point.at_s)


def _height(line: list[HeapPoint], times: list[float], at_s: float) -> int:
    after = bisect(times, at_s)
    if after in {0, len(line)}:
        return line[min(after, len(line) - 1)].heap_bytes
    left, right = line[after - 1], line[after]
    share = (at_s - left.at_s) / (right.at_s - left.at_s) if right.at_s > left.at_s else 0.0
    return round(left.heap_bytes + share * (right.heap_bytes - left.heap_bytes))
