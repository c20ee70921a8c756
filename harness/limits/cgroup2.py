"""The memory controller of cgroup v2, in the nearest subtree that this user may change.

A cgroup with processes in it cannot hand its memory controller on, so workers' groups become
siblings of ours or of what it is in. To move a process there, its user must be allowed to write
`cgroup.procs` of the cgroup that both are below: `systemd-run --user --scope` arranges that.
"""

from __future__ import annotations

import os
from pathlib import Path

from harness.limits.backend import REMOUNT, Backend, Group, is_read_only, mounted, own_cgroup

NAME = "cgroup_v2"


def find(cgroups: str, mounts: str) -> Backend:
    """Look for it, given the texts of `/proc/self/cgroup` and `/proc/self/mounts`."""
    path, root = own_cgroup("", cgroups), mounted("cgroup2", "", mounts)
    if path is None or root is None or "memory" not in _words(root / "cgroup.controllers"):
        return _without_controller(cgroups)
    own = root / path.lstrip("/")
    above = [one for one in (own, *own.parents) if one.is_relative_to(root)]
    writable = [one for one in above if _is_writable(one)]
    for parent in writable:
        if "memory" in _words(parent / "cgroup.subtree_control"):
            return Backend(name=NAME, parent=str(parent))
    if writable:
        return Backend(
            name=NAME,
            missing=f"{writable[0]} does not hand its memory controller on",
            remedy=f"write +memory to {writable[0]}/cgroup.subtree_control; unless it is the root "
            "cgroup, move its processes into one below it first",
        )
    if is_read_only(root):
        return Backend(name=NAME, missing=f"{root} is read-only", remedy=REMOUNT)
    return Backend(
        name=NAME,
        missing=f"no cgroup above {own} may be changed by this user",
        remedy="put before the command: systemd-run --user --scope -p Delegate=yes",
    )


def _without_controller(cgroups: str) -> Backend:
    if own_cgroup("memory", cgroups) is None:
        return Backend(name=NAME, missing="no cgroup v2 memory controller")
    return Backend(
        name=NAME,
        missing="the memory controller is bound to cgroup v1",
        remedy="boot with cgroup_no_v1=memory, or stay with cgroup_v1",
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


def _is_writable(directory: Path) -> bool:
    return all(os.access(path, os.W_OK) for path in (directory, directory / "cgroup.procs"))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []
