"""How often to measure what: enough to be believed, little enough to be waited for.

Sizes are file sizes, because that is what is known before anything is read. Heap probes of exact
metrics need two replicates to show that they agree; clocks need more, but the largest binaries
take so long that their noise is small against what is compared. A probe that slows its subject
twelve times is not worth its time on a large binary: what it would say is said by another.
"""

from __future__ import annotations

from harness.config import MIB
from harness.run.sources import DWARF, REPLAY

# Upper bounds of file size; the rest is large.
SIZE_CLASSES = (("tiny", MIB), ("small", 4 * MIB), ("medium", 16 * MIB))
LARGE = "large"

# Time under a probe over time without, for the forecast of what remains. Measured on C debug
# information (0.57 s of CPU untraced): memray 5.6, tracemalloc 10, gc 1.1.
SLOWDOWN = {"memray": 6.0, "memray-native": 2.0, "tracemalloc": 10.0, "gc": 1.2, "bare": 1.0}
SOURCE_COST = {DWARF: 1.0, REPLAY: 0.35}
START_COST_BYTES = MIB  # an interpreter's start, in bytes of binary that take as long

_REPLICATES: dict[tuple[str, str], dict[str, int]] = {
    ("memray", DWARF): {"tiny": 2, "small": 2, "medium": 1, "large": 1},
    ("memray", REPLAY): {"tiny": 2, "small": 2, "medium": 2, "large": 2},
    ("memray-native", DWARF): {"tiny": 2, "small": 2, "medium": 1, "large": 1},
    ("memray-native", REPLAY): {"tiny": 2, "small": 2, "medium": 2, "large": 1},
    ("tracemalloc", DWARF): {"tiny": 1, "small": 0, "medium": 0, "large": 0},
    ("tracemalloc", REPLAY): {"tiny": 1, "small": 1, "medium": 1, "large": 0},
    ("gc", DWARF): {"tiny": 1, "small": 1, "medium": 1, "large": 0},
    ("gc", REPLAY): {"tiny": 1, "small": 1, "medium": 1, "large": 1},
    ("bare", DWARF): {"tiny": 3, "small": 3, "medium": 1, "large": 1},
    ("bare", REPLAY): {"tiny": 3, "small": 3, "medium": 3, "large": 2},
}
_UNKNOWN_PROBE = {"tiny": 1, "small": 1, "medium": 1, "large": 1}


def size_class(size_bytes: int) -> str:
    """Return `tiny`, `small`, `medium` or `large`."""
    return next((name for name, bound in SIZE_CLASSES if size_bytes < bound), LARGE)


def default_replicates(probe: str, source: str, size_bytes: int) -> int:
    """Return how often a cell is measured when nobody asks for a number; 0 leaves it out."""
    return _REPLICATES.get((probe, source), _UNKNOWN_PROBE)[size_class(size_bytes)]


def job_cost(probe: str, source: str, size_bytes: int) -> float:
    """Return a weight in proportion to the time that a job is likely to take."""
    return (START_COST_BYTES + size_bytes * SOURCE_COST[source]) * SLOWDOWN.get(probe, 1.0)
