"""Where a pipeline stops to survive: bisection over limits, and the edge tried again on both sides.

Pure: what happens at a limit is told by whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

SURVIVED, KILLED, THRASHED, FAILED = "survived", "killed", "thrashed", "failed"
_MOST_TIMES_START = 16


class Edge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The smallest limit that always delivered, and the largest below it that did not.

    `steady` says that nothing at or below `killed_bytes` ever delivered; otherwise the answer is
    the interval between the two. `killed_bytes` of 0 was never tried.
    """

    survives_bytes: int
    killed_bytes: int
    steady: bool
    attempts: int


def find_edge(
    start_bytes: int, grain_bytes: int, replicates: int, attempt: Callable[[int], str]
) -> Edge | None:
    """Return the edge, or None where an attempt failed for another reason than the limit.

    Args:
        start_bytes: What a free run took; the search begins there.
        grain_bytes: Limits are multiples of it.
        replicates: How often each side of the edge is tried.
        attempt: Tries a limit and returns its outcome.
    """
    search = _Search(grain_bytes, replicates, attempt)
    try:
        return search.run(max(1, -(-start_bytes // grain_bytes)))
    except _UnclearError:
        return None


class _UnclearError(Exception):
    pass


class _Search:
    def __init__(self, grain: int, replicates: int, attempt: Callable[[int], str]) -> None:
        self._grain, self._replicates, self._attempt = grain, replicates, attempt
        self._seen: dict[int, list[str]] = {}

    def run(self, start: int) -> Edge:
        """Search from `start`, in grains."""
        low, high = self._bracket(start)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._survives(middle) else (middle, high)
        while not self._survives(high, self._replicates):
            high += 1
        killed = high - 1
        if killed:
            self._survives(killed, self._replicates)
        below = [one for at, found in self._seen.items() if at <= killed for one in found]
        return Edge(
            survives_bytes=high * self._grain,
            killed_bytes=killed * self._grain,
            steady=SURVIVED not in below,
            attempts=sum(map(len, self._seen.values())),
        )

    def _bracket(self, start: int) -> tuple[int, int]:
        """Return a limit that was not survived (or 0), and one that was."""
        high = start
        while not self._survives(high):
            if high > _MOST_TIMES_START * start:
                raise _UnclearError
            high += max(1, high // 4)
        low = high * 3 // 4
        while low and self._survives(low):
            low, high = low * 3 // 4, low
        return low, high

    def _survives(self, at: int, times: int = 1) -> bool:
        found = self._seen.setdefault(at, [])
        while len(found) < times:
            outcome = self._attempt(at * self._grain)
            if outcome == FAILED:
                raise _UnclearError
            found.append(outcome)
        return all(one == SURVIVED for one in found)
