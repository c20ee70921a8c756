"""Which ways of limiting there are on this machine."""

from __future__ import annotations

from pathlib import Path

from harness.limits import cgroup1, cgroup2, rlimit
from harness.limits.backend import Backend, Confinement

_GROUPS = {cgroup2.NAME: cgroup2.group, cgroup1.NAME: cgroup1.group}


def find_backends() -> list[Backend]:
    """Return every backend, the one that says most first, usable or not."""
    cgroups, mounts = (Path("/proc/self", name).read_text() for name in ("cgroup", "mounts"))
    return [cgroup2.find(cgroups, mounts), cgroup1.find(cgroups, mounts), rlimit.find()]


def confinement(backend: str, parent: str, limit_bytes: int) -> Confinement:
    """Return what a launcher puts around a worker; for a limit of 0 it only looks."""
    if backend in _GROUPS:
        return Confinement(group=_GROUPS[backend](parent, limit_bytes))
    return Confinement(data_bytes=limit_bytes)
