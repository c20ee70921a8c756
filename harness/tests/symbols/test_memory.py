"""What extraction of C, C++ and Rust keeps: nothing that grows with the binary."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

import pytest

from harness.config import KIB
from harness.model import count_functions
from harness.symbols import open_packages
from harness.tests.commands import ran
from harness.tests.symbols.binaries import FIXTURES
from harness.tests.symbols.copies import with_repeated_units


def drain(path: Path) -> int:
    functions = 0
    with open_packages(str(path)) as source:
        for package in source.packages:
            functions += sum(map(count_functions, package.children))
    return functions


def functions_and_peak_bytes(path: Path, once: Path) -> tuple[int, int]:
    """Return the peak of one extraction; what `once` leaves in caches does not count."""
    drain(once)  # caches of imports, patterns and decoders
    tracemalloc.start()
    try:
        return drain(path), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["c/lto.so", "cpp/dwarf5.so"])
def test_four_times_the_units_do_not_raise_the_peak(name: str, tmp_path: Path) -> None:
    """Buffers of fixed size fill up, and hold at most some 300 KiB; keeping a unit takes 17 KB."""
    once = FIXTURES / name
    few, many = (with_repeated_units(once, times, tmp_path) for times in (8, 32))
    less, small, more, large = in_a_process_of_their_own(few, many, once)
    assert more == 4 * less
    assert large < small + 256 * KIB
    assert large < 768 * KIB


def in_a_process_of_their_own(few: Path, many: Path, once: Path) -> list[int]:
    """Return what a fresh process finds: caches that other tests filled would move the peak."""
    call = f"""from {__name__} import *
few, many, once = map(Path, sys.argv[1:])
print(*functions_and_peak_bytes(few, once), *functions_and_peak_bytes(many, once))"""
    command = [sys.executable, "-c", call, str(few), str(many), str(once)]
    done = ran(*command, check=True)
    return [*map(int, done.stdout.split())]
