"""What differs between the replicates of a cell, drawn from the seed of the run.

A replicate index has the same hash seed and the same length of environment in all arms. They are
others for every index where times and resident sets are measured, which have modes: replicates in
one environment would agree on one of them. They are the same for all where bytes are: another seed
moves objects, and with them (see `harness.run.launcher`) some 55 bytes of a peak, which is no
property of any pipeline.
"""

from __future__ import annotations

from random import Random

_PAGE_BYTES = 4096


def hash_seed(seed: int, replicate: int) -> int:
    """Return PYTHONHASHSEED for a replicate index; never 0, which would switch hashing off."""
    return Random(f"{seed} {replicate}").randrange(1, 2**32)  # noqa: S311  reproducible on purpose


def padding_bytes(seed: int, replicate: int) -> int:
    """Return how much longer the environment of a replicate is made: less than a page."""
    return Random(f"{seed} {replicate} environment").randrange(_PAGE_BYTES)  # noqa: S311  likewise
