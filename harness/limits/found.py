"""What was found out about one binary, arm and source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from harness.config import LimitOptions
from harness.limits.edge import FAILED, SURVIVED, Edge
from harness.records import Attempt, Binary

PROBE = "limit"
"""The probe in the records of attempts."""


class Parts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a process was charged for at its peak, without a limit; the parts add up to that.

    `interpreter_bytes` is private memory of the interpreter and its modules, `live_heap_bytes` what
    the pipeline held at the peak of its heap, `not_returned_bytes` what it had freed by then or
    lost to arenas; `cache_and_kernel_bytes` is all else, page cache and page tables for instance,
    and None where no cgroup told what was charged.
    """

    interpreter_bytes: int
    live_heap_bytes: int
    not_returned_bytes: int
    cache_and_kernel_bytes: int | None


def parts_of(private: float, growth: float, heap: float, charged: float | None) -> Parts:
    """Return what a peak is made of: `growth` is that of max RSS, `charged` the peak in a cgroup.

    As far as the peak heap is larger than the growth, it lay where the imports had freed something.
    """
    interpreter = private - max(0.0, heap - growth)
    return Parts(
        interpreter_bytes=int(interpreter),
        live_heap_bytes=int(heap),
        not_returned_bytes=int(max(0.0, growth - heap)),
        cache_and_kernel_bytes=(
            None if charged is None else int(max(0.0, charged - private - growth))
        ),
    )


class Found(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The edge of a search, or what became of single limits, and every attempt.

    `free_rss_bytes` is max RSS without a limit; 0 where nothing was delivered, or by a child, whose
    RSS nobody knows. `made_of` is what was charged at the peak then, where that was measured.
    `problem` says why there is no answer.
    """

    binary: str
    arm: str
    source: str
    backend: str
    free_rss_bytes: int = 0
    made_of: Parts | None = None
    edge: Edge | None = None
    problem: str = ""
    attempts: list[Attempt] = []

    @property
    def charged_bytes(self) -> int:
        """The largest peak that a cgroup without a limit saw; 0 where there was none."""
        return max((one.peak_bytes or 0 for one in self.attempts if not one.limit_bytes), default=0)

    @property
    def outcomes(self) -> dict[int, list[str]]:
        """What became of the attempts at each limit."""
        return outcomes_of(self.attempts)

    def at(self, limit_bytes: int) -> str:
        """Return what became of the attempts at one limit: the first outcome that is no survival.

        Empty where it was not tried.
        """
        found = self.outcomes.get(limit_bytes, [])
        return next((one for one in found if one != SURVIVED), found[0] if found else "")


def outcomes_of(attempts: Iterable[Attempt]) -> dict[int, list[str]]:
    """Return what became of the attempts at each limit; of the looks without one, nothing.

    One that failed for another reason than the limit goes once that is tried again.
    """
    found: dict[int, list[str]] = {}
    for one in attempts:
        if one.limit_bytes:
            known = found.setdefault(one.limit_bytes, [])
            if FAILED in known:
                known.remove(FAILED)
            known.append(one.outcome)
    return found


def smallest_first(binaries: Iterable[Binary]) -> list[Binary]:
    """Return the binaries by size, so that the first result comes early."""
    return sorted(binaries, key=lambda binary: (binary.size_bytes, binary.name))


def small_enough(
    options: LimitOptions, corpus: Iterable[Binary]
) -> tuple[list[Binary], list[Binary]]:
    """Return the binaries whose limits are asked for, and those that are too large, by size."""
    by_size = smallest_first(corpus)
    count = options.smallest or len(by_size)
    return by_size[:count], by_size[count:]


def iter_asked(
    options: LimitOptions, corpus: Iterable[Binary], sources: Iterable[str], arms: Iterable[str]
) -> Iterator[tuple[Binary, str, str]]:
    """Yield every binary, source and arm whose limits are asked for, the smallest binary first."""
    arms = tuple(arms)
    wanted = [source for source in sources if not options.sources or source in options.sources]
    for binary in small_enough(options, corpus)[0]:
        for source in binary.measured_from(wanted):
            yield from ((binary, source, arm) for arm in arms)
