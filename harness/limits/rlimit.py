"""RLIMIT_DATA: no rights needed, and exact to a page, but it counts something else.

It counts private writable mappings whether they were touched or not, neither page cache nor shared
memory, and an allocation beyond it fails instead of killing.
"""

from __future__ import annotations

from harness.limits.backend import Backend

NAME = "rlimit_data"


def find() -> Backend:
    """Return it: every Linux since 4.7 has it."""
    return Backend(name=NAME, counts_kills=False)
