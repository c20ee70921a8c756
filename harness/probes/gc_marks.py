"""When the cyclic collector ran, told from inside a process whose heap is being measured.

Nothing but a time and a generation is kept, in memory set aside beforehand, so that live heap and
collections are on one clock. Python makes a dictionary for each call of a callback and keeps the
last one for reuse: 626 bytes, the same in every run, are all that this adds to a peak.
"""

from __future__ import annotations

import gc
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.probes.guard import disturbed
from harness.records import HeapPoint

STAGE = "other"

_ROOM = 16384
"""How many collections are kept; an upload of 129 MiB of JSON, kept whole, made 2,672."""


def remove_callback(
    callback: Callable[[str, dict[str, int]], None], failed: BaseException | None = None
) -> None:
    """Have the collector call it no longer.

    What `failed` before is raised says more than a missing callback.

    Raises:
        MeasurementInvalid: It did not for some time already.
    """
    if callback in gc.callbacks:
        gc.callbacks.remove(callback)
    elif failed is None:
        raise disturbed("the collector's trace", "its callback was removed")


class CollectionMarks:
    """Notes when each collection began; what does not fit is not noted."""

    def __init__(self) -> None:
        self._times = array("d", bytes(8 * _ROOM))
        self._generations = array("b", bytes(_ROOM))
        self._used = 0
        self._started = 0.0

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note the collections of what runs inside.

        Raises:
            MeasurementInvalid: What runs inside has removed the callback.
        """
        gc.callbacks.append(self._called)
        try:
            yield
        except BaseException as error:
            remove_callback(self._called, error)
            raise
        remove_callback(self._called)

    def start_clock(self) -> None:
        """Take this moment for time zero, and forget what came before."""
        self._used = 0
        self._started = time.monotonic()

    def points(self) -> list[HeapPoint]:
        """Return one point a collection, oldest first, the heap of which is not known here."""
        return [
            HeapPoint(self._times[at] - self._started, 0, self._generations[at])
            for at in range(self._used)
        ]

    def _called(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start" and self._used < _ROOM:
            self._times[self._used] = time.monotonic()
            self._generations[self._used] = info["generation"]
            self._used += 1
