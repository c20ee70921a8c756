"""Try a memory limit on a process that holds a known number of bytes."""

from __future__ import annotations

import select
import signal
import sys

from harness.config import MIB
from harness.limits.backend import Backend
from harness.limits.choice import confinement
from harness.run.child import Child, Ending, Spec
from harness.text import last_line

_TIMEOUT_S = 60.0
_HOLD = "held = bytearray({}); held[::4096] = b'x' * len(held[::4096])"
_LIMIT_BYTES = 32 * MIB


def run_confined(code: str, backend: Backend, limit_bytes: int) -> Ending:
    """Run Python code under a limit, without `site`; a limit of 0 only looks."""
    child = Child(
        Spec(
            argv=[sys.executable, "-I", "-S", "-c", code],
            env={},
            cwd="/",
            timeout_s=_TIMEOUT_S,
            confinement=confinement(backend, limit_bytes),
        )
    )
    try:
        while not child.ended:
            for pipe in select.select(list(child.pipes), [], [])[0]:
                child.read(pipe)
    except BaseException:
        child.stop()
        raise
    return child.ending()


def was_stopped(ending: Ending, backend: Backend) -> bool:
    """Tell whether the limit ended the process, by the kernel's count where it keeps one."""
    if ending.report is None:
        return False
    if backend.counts_kills:
        killed = ending.report.exit_code == -signal.SIGKILL
        return killed and ending.report.oom_kills > 0
    return bool(ending.report.exit_code) and "MemoryError" in ending.stderr_tail


def try_backend(backend: Backend) -> str:
    """Return why limits of a backend cannot be trusted here; empty when they can.

    One process holds less than its limit and has to end well, another one more and has to be
    stopped.
    """
    within = run_confined(_HOLD.format(_LIMIT_BYTES // 4), backend, _LIMIT_BYTES)
    if within.report is None or within.report.exit_code:
        said = last_line(within.stderr_tail, "no reason was given")
        return f"a process that keeps to its limit does not end well: {said}"
    beyond = run_confined(_HOLD.format(2 * _LIMIT_BYTES), backend, _LIMIT_BYTES)
    if not was_stopped(beyond, backend):
        return "a process that holds twice its limit is not stopped"
    return ""
