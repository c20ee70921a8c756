"""Pipelines that hold a known number of MiB more than streaming, for measured processes."""

from harness.bench.planted import taking
from harness.config import MIB


def _touched(size: int) -> bytearray:
    held = bytearray(size)
    held[::4096] = b"x" * len(held[::4096])
    return held


holds_8 = taking(lambda: _touched(8 * MIB))
holds_64 = taking(lambda: _touched(64 * MIB))
