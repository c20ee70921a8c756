"""What is told of the collector is what the collector did."""

from __future__ import annotations

import gc
import os
import sys

import pytest

from harness.probes.gc_trace import CollectorTrace, GcProbe
from harness.tests.commands import ran


class Node:
    def __init__(self) -> None:
        self.me = self
        self.ballast = bytearray(1 << 20)


def test_a_collection_is_recorded_with_what_it_freed() -> None:
    gc.collect()
    with CollectorTrace() as trace:
        Node()
        gc.collect()
    collection = trace.collections()[-1]
    assert collection.generation == 2
    assert collection.collected >= 1
    assert collection.heap_before_bytes - collection.heap_after_bytes >= 1 << 20
    assert trace.peak_bytes >= collection.heap_before_bytes
    assert collection.duration_s >= 0


def test_leaving_takes_the_callback_away_even_after_an_exception() -> None:
    before = list(gc.callbacks)
    with pytest.raises(ZeroDivisionError), CollectorTrace():
        raise ZeroDivisionError
    assert gc.callbacks == before


def test_more_collections_than_were_foreseen_are_all_kept() -> None:
    with CollectorTrace() as trace:
        for _ in range(9000):
            gc.collect(0)
    assert len(trace.collections()) >= 9000


def test_the_probe_asks_for_an_allocator_that_it_can_see_through() -> None:
    """Small Python objects are on the heap it reads only under that environment."""
    code = (
        "from harness.probes.gc_trace import GcProbe\n"
        "probe = GcProbe('')\n"
        "with probe.measure():\n"
        "    kept = [str(number) for number in range(100_000)]\n"
        "found = probe.values()\n"
        "assert set(found) < {metric.name for metric in probe.metrics}\n"
        "print(int(found['heap_peak_gc']))\n"
    )
    environment = {**os.environ, **GcProbe.environment}
    done = ran(sys.executable, "-c", code, env=environment, check=True)
    assert int(done.stdout) > 100_000 * 50
