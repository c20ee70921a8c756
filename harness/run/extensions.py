"""Resolve what a run names into what a worker is told and an executor must know."""

from __future__ import annotations

from collections.abc import Iterable

from harness import registry
from harness.run.executor import ProbeTraits
from harness.run.request import Arm
from harness.run.worker_targets import RECORD_REPLAY, VERIFY


def arms_by_name(names: Iterable[str]) -> list[Arm]:
    """Return one arm for each registered pipeline that is named.

    Raises:
        ConfigError: There is no such pipeline.
    """
    return [Arm(name=name, pipeline=registry.find("pipeline", name).value) for name in names]


def resolve_probes(names: tuple[str, ...]) -> tuple[dict[str, str], dict[str, ProbeTraits]]:
    """Return the target of each probe, and the traits of each probe and of unmeasured jobs.

    A probe says in its class attributes `environment` and `alone` what it needs; one that says
    nothing gets the machine to itself.

    Raises:
        ConfigError: There is no such probe, or it cannot be imported.
    """
    targets: dict[str, str] = {}
    traits = {name: ProbeTraits(alone=False) for name in (VERIFY, RECORD_REPLAY)}
    for name in names:
        probe = registry.load("probe", name)
        targets[name] = registry.find("probe", name).value
        traits[name] = ProbeTraits(
            environment=getattr(probe, "environment", {}), alone=getattr(probe, "alone", True)
        )
    return targets, traits
