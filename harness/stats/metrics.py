"""What is known about each metric: whether it repeats to the byte, and how much noise is normal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """How a metric behaves.

    `exact` metrics give the same value in every replicate on one rig. Above a coefficient of
    variation of `erratic_above` an experiment is erratic: its noise hides what is looked for.
    """

    exact: bool = False
    erratic_above: float = 0.10


_EXACT_HEAP = Kind(exact=True, erratic_above=0.02)
_HEAP = Kind(erratic_above=0.02)
_NOISY = Kind()

METRICS = {
    "heap_peak_memray": _EXACT_HEAP,
    "heap_peak_memray_native": _EXACT_HEAP,
    "heap_peak_tracemalloc": _EXACT_HEAP,
    "heap_peak_gc": _HEAP,
    "rss_peak": _NOISY,
    "wall": _NOISY,
    "cpu": _NOISY,
}
"""The metrics that are compared unless others are asked for; less is better in all of them."""


def kind_of(metric: str) -> Kind:
    """Return what is known of `metric`; one that we never heard of is taken for a noisy one."""
    return METRICS.get(metric, _NOISY)
