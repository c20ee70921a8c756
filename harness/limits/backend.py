"""What every way of limiting a process is to the rest: a name, and what a launcher is told."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

REMOUNT = "mount it to be written; in a container, start that with --privileged"
"""What to do about a cgroup file system that is read-only."""


class Group(Struct, frozen=True, kw_only=True):
    """A cgroup that a launcher makes in `parent`, puts the worker into, reads and removes.

    `settings` are files of it and what is written to them before anybody is in; `optional` are
    those that some kernels do not have. `peak` and `events` are the files that tell its peak and,
    in a line `oom_kill N`, how often the kernel killed in it.
    """

    parent: str
    settings: dict[str, str]
    optional: dict[str, str]
    peak: str
    events: str


class Confinement(Struct, frozen=True, kw_only=True):
    """What is put around one worker: a cgroup, or a limit on its data; 0 is none."""

    group: Group | None = None
    data_bytes: int = 0


class Backend(Struct, frozen=True, kw_only=True):
    """One way of limiting, ready to be used or with the reason why it is `missing`.

    The cgroups of workers are made in `parent`, which is empty where there is none. The kernel
    itself says when it killed, if it `counts_kills`.
    """

    name: str
    parent: str = ""
    missing: str = ""
    remedy: str = ""
    counts_kills: bool = True


def own_cgroup(controller: str, cgroups: str) -> str | None:
    """Return the path of a process in the hierarchy of a controller; `""` is that of v2.

    `cgroups` is the text of its `/proc/self/cgroup`.
    """
    for line in cgroups.splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return path
    return None


def mounted(kind: str, option: str, mounts: str) -> Path | None:
    """Return where a hierarchy is mounted, from the text of `/proc/self/mounts`."""
    for line in mounts.splitlines():
        _, where, found, options, *_ = line.split()
        if found == kind and (not option or option in options.split(",")):
            return Path(where)
    return None


def is_read_only(directory: Path) -> bool:
    """Tell whether a directory is on a file system that nobody can write to, here."""
    return bool(os.statvfs(directory).f_flag & os.ST_RDONLY)
