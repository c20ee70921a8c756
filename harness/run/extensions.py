"""Resolve what a run names into what a worker is told and the parent must know."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from harness import registry
from harness.records import VERIFY, Arm, Cost, Metric
from harness.run.frames import RECORD_REPLAY, UNMEASURED


class ProbeTraits(Struct, frozen=True, kw_only=True):
    """What the parent must know of a probe, which it never runs itself.

    `target` is its `module:attribute`; `environment` is set in its process; `alone` says that it
    needs the machine to itself.
    """

    target: str = UNMEASURED
    environment: dict[str, str] = {}
    alone: bool = True
    metrics: tuple[Metric, ...] = ()
    cost: Cost = Cost()

    @property
    def exact(self) -> bool:
        """Whether any of its metrics is the same in every replicate."""
        return any(metric.exact for metric in self.metrics)


UNMEASURED_TRAITS = {name: ProbeTraits(alone=False) for name in (VERIFY, RECORD_REPLAY)}
"""The traits of the jobs that measure nothing."""


def arms_by_name(names: Iterable[str]) -> list[Arm]:
    """Return one arm for each registered pipeline that is named.

    Raises:
        ConfigError: There is no such pipeline.
    """
    return [Arm(name=name, pipeline=registry.find("pipeline", name).value) for name in names]


def resolve_probes(names: tuple[str, ...]) -> dict[str, ProbeTraits]:
    """Return the traits of each probe, and of unmeasured jobs.

    What a probe class does not declare has the default of `ProbeTraits`.

    Raises:
        ConfigError: There is no such probe, it cannot be imported, or declares no metric.
    """
    return {**UNMEASURED_TRAITS, **{name: traits_of(name) for name in names}}


def traits_of(name: str) -> ProbeTraits:
    """Return the traits of one registered probe.

    Raises:
        ConfigError: There is no such probe, it cannot be imported, or declares no metric.
    """
    probe = registry.load("probe", name)
    fields = ("environment", "alone", "metrics", "cost")
    declared = {field: getattr(probe, field) for field in fields if hasattr(probe, field)}
    return ProbeTraits(target=registry.find("probe", name).value, **declared)


def declared_metrics(traits: dict[str, ProbeTraits]) -> dict[str, tuple[Metric, ...]]:
    """Return the metrics of the built-in probes and of those in `traits`, by probe."""
    builtin = {name: probe.metrics for name, probe in registry.shipped("probe").items()}
    return builtin | {name: one.metrics for name, one in traits.items() if one.metrics}
