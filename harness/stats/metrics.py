"""What the probes of a run declare of their metrics, by the name of the metric."""

from __future__ import annotations

from functools import cache, cached_property
from math import inf

from msgspec.structs import replace

from harness.records import Manifest, Metric
from harness.registry import shipped

CAPTURED = "heap_peak_memray"
"""The peak of a capture, which alone tells what was alive; one capture per cell is enough."""

REDUCTION, OVERSHOOT, COPIES = "reduction_pct", "overshoot", "copies"
DERIVED = {
    REDUCTION: Metric(REDUCTION, "%", better="more", portable=True, instrument="memray"),
    COPIES: Metric(COPIES, "payload", portable=True, instrument="memray"),
    OVERSHOOT: Metric(OVERSHOOT, "byte", zero_allowed=True, portable=True),
}
"""Series that a suite derives from exact metrics."""

UNDECLARED = Metric("", "", zero_allowed=True, compared=False)


class Metrics:
    """The metrics that runs declare."""

    def __init__(self, *manifests: Manifest) -> None:
        """Take what the manifests declare; of several declarations the last one counts.

        A manifest from before there were declarations has those of the built-in probes.
        """
        self._declared = {
            (probe, metric.name): metric
            for manifest in manifests
            for probe, metrics in (manifest.metrics or _builtin_metrics()).items()
            for metric in metrics
        }
        self._probes: dict[str, set[str]] = {}
        for probe, name in self._declared:
            self._probes.setdefault(name, set()).add(probe)
        self._by_name = DERIVED | {one.name: one for one in self._declared.values()}

    def __getitem__(self, name: str) -> Metric:
        """Return the declaration of a metric; of one that nobody declared, nothing is assumed."""
        return self._by_name.get(name) or replace(UNDECLARED, name=name)

    def __contains__(self, name: str) -> bool:
        """Tell whether anybody declares a metric."""
        return name in self._by_name

    def probe(self, name: str) -> str:
        """Return the probe whose values of a metric count; empty unless exactly one declares it."""
        probes = self._probes.get(name, ())
        return next(iter(probes)) if len(probes) == 1 else ""

    @cached_property
    def peaks(self) -> tuple[str, ...]:
        """The definitions of peak heap, best first."""
        ranked = [metric for metric in self._by_name.values() if metric.peak_rank]
        return tuple(one.name for one in sorted(ranked, key=lambda one: one.peak_rank))

    @cached_property
    def compared(self) -> tuple[str, ...]:
        """The metrics that are compared by default: peaks first, then bytes, counts and seconds."""
        found = {one.name: one for one in self._declared.values() if one.compared}
        ordered = sorted(found.values(), key=lambda one: (one.peak_rank or inf, one.unit))
        return tuple(metric.name for metric in ordered)


@cache
def _builtin_metrics() -> dict[str, tuple[Metric, ...]]:
    return {name: probe.metrics for name, probe in shipped("probe").items()}
