"""What the resident set says against a peak of heap: that it was not there, or not all of it.

An untraced process of this kind grows by 0.5 to 1.2 times its peak heap: what allocators keep is
added, and what was free when it began is reused. Allowances are far from both ends, for huge pages
and thread stacks too; what exceeds them is another quantity than a heap. Pages of files are no heap
either: a library that is loaded brings its own, and no allocator hands them out.
"""

from __future__ import annotations

from harness.config import MIB
from harness.units import format_bytes

_UNTOUCHED_FACTOR, _UNTOUCHED_BYTES = 1.1, 4 * MIB
_UNCOUNTED_FACTOR, _UNCOUNTED_BYTES = 1.25, 8 * MIB


def contradiction(
    metric: str,
    peak_bytes: float,
    grown_bytes: float,
    *,
    unbacked_bytes: float = 0,
    location: str = "",
) -> str:
    """Return why a peak cannot be, in words that end in a remedy; empty when it can.

    Args:
        metric: The definition of the peak.
        peak_bytes: The peak.
        grown_bytes: How far max RSS rose above what was resident when the run began.
        unbacked_bytes: How much of that no file backs. Nothing of a traced process, which has the
            instrument's memory in it: there only a peak that is too large is a contradiction.
        location: Where most of the peak was allocated, if that is known.
    """
    if peak_bytes > _UNTOUCHED_FACTOR * grown_bytes + _UNTOUCHED_BYTES:
        where = f", most of it at {location}" if location else ""
        return (
            f"{metric} is {format_bytes(peak_bytes)}{where}, but only {format_bytes(grown_bytes)} "
            "became resident: address space that is reserved and not touched is no memory — have "
            "it come from the system's allocator (Arrow: --env "
            "ARROW_DEFAULT_MEMORY_POOL=system), or judge by rss_peak"
        )
    if unbacked_bytes > _UNCOUNTED_FACTOR * peak_bytes + _UNCOUNTED_BYTES:
        return (
            f"{metric} is {format_bytes(peak_bytes)}, but {format_bytes(unbacked_bytes)} became "
            "resident without an instrument, pages of files not counted: memory was taken past the "
            "allocators that it counts, by a pointer of ctypes or a library of its own — judge by "
            "rss_peak"
        )
    return ""
