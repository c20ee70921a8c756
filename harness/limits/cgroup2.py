"""The memory controller of cgroup v2, in the nearest subtree that this user may change.

A cgroup with processes in it cannot hand its memory controller on, so workers' groups become
siblings of ours or of what it is in. To move a process there, its user must be allowed to write
`cgroup.procs` of the cgroup that both are below: `systemd-run --user --scope` arranges that.
"""

from __future__ import annotations

import os
from pathlib import Path

from harness.limits.backend import Backend, Group, mounted, own_cgroup

NAME = "cgroup_v2"
_REMEDY = "put before the command: systemd-run --user --scope -p Delegate=yes"


def find(cgroups: str, mounts: str) -> Backend:
    """Look for it, given the texts of `/proc/self/cgroup` and `/proc/self/mounts`."""
    path, root = own_cgroup("", cgroups), mounted("cgroup2", "", mounts)
    if path is None or root is None or "memory" not in _words(root / "cgroup.controllers"):
        return Backend(name=NAME, missing="no cgroup v2 memory controller")
    own = root / path.lstrip("/")
    for parent in (own, *own.parents):
        if not parent.is_relative_to(root):
            break
        if _can_be_parent(parent):
            return Backend(name=NAME, parent=str(parent))
    return Backend(
        name=NAME, missing=f"no cgroup above {own} may be changed by this user", remedy=_REMEDY
    )


def group(parent: str, limit_bytes: int) -> Group:
    """Return a group with that limit and no swap; without a limit for one of 0."""
    return Group(
        parent=parent,
        settings={"memory.max": str(limit_bytes)} if limit_bytes else {},
        optional={"memory.swap.max": "0", "memory.oom.group": "1"},
        peak="memory.peak",
        events="memory.events",
    )


def _can_be_parent(directory: Path) -> bool:
    writable = all(os.access(path, os.W_OK) for path in (directory, directory / "cgroup.procs"))
    return writable and "memory" in _words(directory / "cgroup.subtree_control")


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []
