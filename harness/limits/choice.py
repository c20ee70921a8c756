"""Which ways of limiting there are on this machine, and what each is called in tables."""

from __future__ import annotations

from pathlib import Path

from harness.errors import ConfigError
from harness.limits import cgroup1, cgroup2
from harness.limits.backend import Backend, Confinement
from harness.records import Metric

RLIMIT = Backend(name="rlimit_data", counts_kills=False)
"""Every Linux since 4.7 has it, and it needs no rights. An allocation beyond it fails."""

_GROUPS = {cgroup2.NAME: cgroup2.group, cgroup1.NAME: cgroup1.group}


def find_backends() -> list[Backend]:
    """Return every backend, the one that says most first, usable or not."""
    cgroups, mounts = (Path("/proc/self", name).read_text() for name in ("cgroup", "mounts"))
    return [cgroup2.find(cgroups, mounts), cgroup1.find(cgroups, mounts), RLIMIT]


def chosen_backend(name: str) -> Backend:
    """Return the backend of that name, or the best that can be used here.

    Raises:
        ConfigError: It cannot be used.
    """
    for one in find_backends():
        if name in {"auto", one.name} and (name != "auto" or not one.missing):
            if one.missing:
                raise ConfigError(f"no limit by {name}: {one.missing}", remedy=one.remedy)
            return one
    raise ConfigError(f"no memory limit is called {name!r}")


def confinement(backend: Backend, limit_bytes: int) -> Confinement:
    """Return what a launcher puts around a worker; for a limit of 0 it only looks."""
    if backend.name in _GROUPS:
        return Confinement(group=_GROUPS[backend.name](backend.parent, limit_bytes))
    return Confinement(data_bytes=limit_bytes)


def limit_metrics() -> dict[str, str]:
    """Return the metric of every backend, and the name of that."""
    return {metric_of(name).name: name for name in (*_GROUPS, RLIMIT.name)}


def metric_of(backend: str, grain_bytes: int = 0, *, compared: bool = False) -> Metric:
    """Declare the smallest limit that is survived: what each kind counts has a name of its own."""
    return Metric(f"limit_{backend}", "byte", exact=True, compared=compared, grain=grain_bytes)
