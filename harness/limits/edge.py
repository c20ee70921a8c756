"""Where a pipeline stops to survive: a search over limits, and the edge tried again on both sides.

Pure: what happens at a limit is told by whoever asks, or was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from msgspec import Struct

SURVIVED, KILLED, THRASHED, FAILED = "survived", "killed", "thrashed", "failed"
_MOST_TIMES_START = 16
Told = TypeVar("Told")


class Edge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The smallest limit that always delivered, and the largest below it that did not.

    `steady` says that they are one grain apart and that nothing at or below `killed_bytes` ever
    delivered; otherwise the answer is the interval between the two. `killed_bytes` of 0 was never
    tried.
    """

    survives_bytes: int
    killed_bytes: int
    steady: bool
    attempts: int

    def is_within(self, grain_bytes: int) -> bool:
        """Tell whether nothing between the two is left to try."""
        return self.survives_bytes - self.killed_bytes <= grain_bytes


def edge_of(outcomes: Mapping[int, Sequence[str]], grain_bytes: int) -> Edge | None:
    """Return the edge that attempts show, in whichever order they were made.

    None where no limit always delivered, or an attempt failed for another reason.
    """
    always = [at for at, found in outcomes.items() if set(found) == {SURVIVED}]
    killed = max((at for at in outcomes if at not in always), default=0)
    survives = min((at for at in always if at > killed), default=0)
    if not survives or any(FAILED in found for found in outcomes.values()):
        return None
    below = {one for at, found in outcomes.items() if at <= killed for one in found}
    return Edge(
        survives_bytes=survives,
        killed_bytes=killed,
        steady=SURVIVED not in below and survives - killed <= grain_bytes,
        attempts=sum(map(len, outcomes.values())),
    )


def find_edge(
    start_bytes: int, grain_bytes: int, replicates: int, attempt: Callable[[int], str]
) -> Edge | None:
    """Return the edge, or None where an attempt failed for another reason than the limit.

    The search begins at `start_bytes`, limits are multiples of the grain, and `attempt` tries one
    and returns its outcome.
    """
    outcomes: dict[int, list[str]] = {}
    limits = iter_limits(start_bytes, grain_bytes, replicates, str)
    limit = next(limits, None)
    while limit is not None:
        outcome = attempt(limit)
        outcomes.setdefault(limit, []).append(outcome)
        limit = send(limits, outcome)
    return edge_of(outcomes, grain_bytes)


def iter_limits(
    start_bytes: int, grain_bytes: int, replicates: int, outcome: Callable[[Told], str]
) -> Generator[int, Told, None]:
    """Yield the next limit to try, in bytes, and be sent what came of it, until the edge is known.

    A search that does not become clear is given up. `outcome` is that of what is sent; the other
    arguments are those of `find_edge`.
    """
    with suppress(_UnclearError):
        search = _Search(grain_bytes, replicates, outcome)
        yield from search.run(max(1, -(-start_bytes // grain_bytes)))


def send(limits: Generator[int, Told, None], told: Told) -> int | None:
    """Return the limit that is to be tried after this one; None after the last."""
    try:
        return limits.send(told)
    except StopIteration:
        return None


class _UnclearError(Exception):
    pass


class _Search(Generic[Told]):
    """Counts in grains, and yields limits in bytes."""

    def __init__(self, grain: int, replicates: int, outcome: Callable[[Told], str]) -> None:
        self._outcomes: dict[int, list[str]] = {}
        self._grain, self._replicates, self._outcome = grain, replicates, outcome

    def run(self, start: int) -> Generator[int, Told, None]:
        """Search from `start`, and try both sides of what is found."""
        low, high = yield from self._bracket(start)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if (yield from self._survives(middle)) else (middle, high)
        while not (yield from self._survives(high, self._replicates)):
            high = self._above(high, 1, start)
        if high > 1:
            yield from self._survives(high - 1, self._replicates)

    def _bracket(self, start: int) -> Generator[int, Told, tuple[int, int]]:
        """Return a limit that was not survived (or 0), and one that was.

        Steps double: the start is mostly a peak, and the edge then at or just below it.
        """
        low, high, step = 0, start, 1
        while not (yield from self._survives(high)):
            low, high, step = high, self._above(high, step, start), 2 * step
        step = 1
        while not low and high > 1:
            below = max(1, high - step)
            low, high = (0, below) if (yield from self._survives(below)) else (below, high)
            step *= 2
        return low, high

    @staticmethod
    def _above(at: int, step: int, start: int) -> int:
        """Return the next higher limit; what survives none of so many never will."""
        if at > _MOST_TIMES_START * start:
            raise _UnclearError
        return at + step

    def _survives(self, at: int, times: int = 1) -> Generator[int, Told, bool]:
        found = self._outcomes.setdefault(at, [])
        while len(found) < times:
            found.append(self._outcome((yield at * self._grain)))
            if found[-1] == FAILED:
                raise _UnclearError
        return all(one == SURVIVED for one in found)
