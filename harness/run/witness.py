"""What a worker can say of itself that contradicts its probe: memory that is not there, children.

Probes look at what this process allocates. What it reserves and never touches is no memory, and
what a child process does is not seen by any of them.
"""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

STAGE = "other"

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_OWN = Path("/proc/self")


class Witness:
    """Looks at the process right before the measurement, and again after it.

    No file backs `private_bytes` of what was resident right before: a container is charged for
    them.
    """

    def __init__(self) -> None:
        self._forks = 0
        os.register_at_fork(before=self._note_fork)
        self._faults = _faults_of_children()
        self.resident_bytes, self.private_bytes = _resident_bytes()

    def saw_children(self) -> bool:
        """Tell whether this process has forked since, or has waited for or still has a child.

        A child that was there before counts as well: it may have done some of the work. So does
        one that cannot be ruled out, since the kernel forgets those that nobody will wait for.
        """
        return bool(
            self._forks
            or _faults_of_children() > self._faults
            or _has_child()
            or _ignores_children()
        )

    def _note_fork(self) -> None:
        self._forks += 1


def file_bytes() -> int:
    """Return what is resident of files: of libraries that were loaded, above all."""
    return int(_status()["RssFile"].split()[0]) * 1024


def _resident_bytes() -> tuple[int, int]:
    """Return what is resident, and what of that is not shared with files or other processes."""
    resident, shared = map(int, _OWN.joinpath("statm").read_bytes().split()[1:3])
    return resident * _PAGE_BYTES, (resident - shared) * _PAGE_BYTES


def _faults_of_children() -> int:
    """Return the page faults of every child that was waited for; none lives without one."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt


def _ignores_children() -> bool:
    """Tell whether children leave no trace: SIGCHLD is ignored, by Python or by a library."""
    return bool(int(_status()["SigIgn"], 16) >> (signal.SIGCHLD - 1) & 1)


def _status() -> dict[str, str]:
    return dict(line.split(":", 1) for line in _OWN.joinpath("status").read_text().splitlines())


def _has_child() -> bool:
    return any(path.read_bytes() for path in _OWN.glob("task/*/children"))
