"""Memory of known size, whoever takes it: counted without attribution, to a few kilobytes."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.config import MIB
from harness.probes.memray_peak import MemrayProbe
from harness.probes.peak import PeakProbe
from harness.probes.tracemalloc_ext import TracemallocProbe
from harness.tests.commands import ran

SIZE_BYTES = 10 * MIB
_POOL = ThreadPoolExecutor(1)


def in_a_buffer(size: int) -> None:
    bytearray(size)


def in_a_generator(size: int) -> None:
    def held() -> object:
        block = bytearray(size)
        yield block

    list(held())  # type: ignore[call-overload]


def in_a_cycle(size: int) -> None:
    ring: list[object] = [bytearray(size)]
    ring.append(ring)
    del ring
    gc.collect()


def in_a_thread(size: int) -> None:
    thread = threading.Thread(target=in_a_buffer, args=(size,))
    thread.start()
    thread.join()


def in_a_thread_that_was_there_before(size: int) -> None:
    _POOL.submit(in_a_buffer, size).result()


def in_two_threads_at_once(size: int) -> None:
    together = threading.Barrier(2)

    def hold() -> None:
        block = bytearray(size // 2)
        together.wait()
        del block

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


CASES: dict[Callable[[int], None], int] = {
    in_a_buffer: 4096,
    in_a_generator: 4096,
    in_a_cycle: 8192,
    in_a_thread_that_was_there_before: 8192,
    in_a_thread: 32_768,  # a thread's own structures
    in_two_threads_at_once: 65_536,
}


def main() -> None:
    """Print how far each peak is from what is taken; run in a process that nothing disturbs."""
    for case in CASES:
        case(1000)
        gc.collect()
        scratch = Path(sys.argv[1], case.__name__)
        scratch.mkdir()
        probe = PeakProbe(str(scratch))
        with probe.measure():
            case(SIZE_BYTES)
        print(int(probe.values()["heap_peak"]) - SIZE_BYTES)


def test_a_known_amount_is_counted_wherever_it_is_taken(tmp_path: Path) -> None:
    command = [sys.executable, "-m", __name__, str(tmp_path)]
    done = ran(*command, check=True)
    for case, more in zip(CASES, done.stdout.split(), strict=True):
        assert 0 < int(more) < CASES[case], case.__name__


def test_profile_functions_are_as_they_were(tmp_path: Path) -> None:
    calls: list[str] = []

    def profile(_frame: object, event: str, _argument: object) -> None:
        calls.append(event)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        with pytest.raises(ZeroDivisionError), PeakProbe(str(tmp_path)).measure():
            _ = 1 / 0
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(before)


def test_definitions_of_peak_heap_are_ranked_and_no_two_alike() -> None:
    probes = (PeakProbe, MemrayProbe, TracemallocProbe)
    ranks = [probe.metrics[0].peak_rank for probe in probes]
    assert ranks == sorted(set(ranks))


if __name__ == "__main__":
    main()
