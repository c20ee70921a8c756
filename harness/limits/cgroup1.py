"""The memory controller of cgroup v1, as root in many containers has it."""

from __future__ import annotations

import os

from harness.limits.backend import REMOUNT, Backend, Group, is_read_only, mounted, own_cgroup

NAME = "cgroup_v1"


def find(cgroups: str, mounts: str) -> Backend:
    """Look for it, given the texts of `/proc/self/cgroup` and `/proc/self/mounts`."""
    path, root = own_cgroup("memory", cgroups), mounted("cgroup", "memory", mounts)
    if path is None or root is None:
        return Backend(name=NAME, missing="no cgroup v1 memory controller")
    # In a cgroup namespace the mount may begin at our own cgroup, and the path not be below it.
    below = root / path.lstrip("/")
    parent = below if below.is_dir() else root
    if is_read_only(parent):
        return Backend(name=NAME, missing=f"{parent} is read-only", remedy=REMOUNT)
    if not os.access(parent, os.W_OK):
        return Backend(
            name=NAME, missing=f"{parent} may not be changed by this user", remedy="run as root"
        )
    return Backend(name=NAME, parent=str(parent))


def group(parent: str, limit_bytes: int) -> Group:
    """Return a group with that limit, swap included; without one for a limit of 0."""
    limit = {"memory.limit_in_bytes": str(limit_bytes)} if limit_bytes else {}
    swap = {"memory.memsw.limit_in_bytes": str(limit_bytes)} if limit_bytes else {}
    return Group(
        parent=parent,
        settings=limit,
        optional={"memory.swappiness": "0", **swap},
        peak="memory.max_usage_in_bytes",
        events="memory.oom_control",
    )
