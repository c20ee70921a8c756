"""Start one worker, limit it, reap it: a small process between the parent and everything measured.

Run as `python -I -S launcher.py`, standard library only. It exists for three reasons.

RSS. Linux keeps the high-water RSS of a process across `execve`: a child of a big parent starts
with the parent's. Measured with a parent of 411 MiB, `wait4` on /bin/true: 420,792 KiB when the
parent starts it (by `subprocess` or by `posix_spawn` alike), 4,820 KiB when this launcher does.

Death of the parent. Its control pipe is this process's standard input. End of file there means
that the parent is gone, by whatever signal, and the worker's whole process group is killed. The
worker in turn asks the kernel for SIGKILL when the launcher dies.

Descendants. The launcher is a subreaper: what a worker leaves behind, in its group or in a session
of its own, becomes a child of the launcher and is killed before the launcher reports.

Addresses. The worker runs without address space randomisation, where the system allows it; where it
does not, the report says so.
CPython's cache of type attributes keeps a reference to the name in a slot chosen by the name's
address: a C function that looks an attribute up by a fresh string, as `re.Pattern.finditer` does,
leaves strings alive that depend on where they lay. Four runs over one Go binary had four peaks, up
to 600 bytes apart of 2.9 MB; with fixed addresses they were one.

In: one JSON line on standard input, a `Spec` of `harness.run.child`. Out: one JSON line on
standard output. The worker gets `input` on 0, nothing on 1, our standard error on 2 and the result
pipe on 3. Every duration is on the monotonic clock, so setting the clock back changes nothing.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ADDR_NO_RANDOMIZE = 0x0040000
CONTROL_FD, REPORT_FD, RESULT_FD = 0, 1, 3

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Read the spec, run the worker, report."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    spec = json.loads(_read_line(CONTROL_FD))
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    randomised = _libc.personality(ADDR_NO_RANDOMIZE) == -1 and _randomises()
    started, oom_kills = time.monotonic(), _oom_kills()
    pid = _start(spec)
    os.close(spec["result_fd"])
    try:
        ending = _watch(pid, spec["timeout_s"])
    finally:
        _kill_group(pid)
        _, status, usage = os.wait4(pid, 0)
        _kill_descendants()
    report = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "ending": ending,
        "wall_s": time.monotonic() - started,
        "randomised": randomised,
        "oom_kills": _oom_kills() - oom_kills,
        "max_rss_bytes": usage.ru_maxrss * 1024,
        "user_s": usage.ru_utime,
        "system_s": usage.ru_stime,
        "voluntary_switches": usage.ru_nvcsw,
        "involuntary_switches": usage.ru_nivcsw,
    }
    os.write(REPORT_FD, json.dumps(report).encode() + b"\n")


def _start(spec: dict[str, Any]) -> int:
    job = os.memfd_create("job")
    os.write(job, spec["input"].encode())
    os.lseek(job, 0, os.SEEK_SET)
    launcher = os.getpid()
    pid = os.fork()
    if pid:
        os.close(job)
        return pid
    try:
        _become_worker(spec, job, launcher)
    except OSError as error:
        os.write(2, f"cannot start {spec['argv'][0]}: {error}\n".encode())
    finally:
        os._exit(127)


def _become_worker(spec: dict[str, Any], job: int, launcher: int) -> None:
    os.setsid()
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != launcher:  # it died before the request was made
        os._exit(127)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_WRONLY)
    for source, target in ((job, 0), (nothing, 1), (spec["result_fd"], RESULT_FD)):
        os.dup2(source, target)
    os.closerange(RESULT_FD + 1, 256)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if spec["address_space_bytes"]:
        resource.setrlimit(resource.RLIMIT_AS, (spec["address_space_bytes"],) * 2)
    os.chdir(spec["cwd"])
    os.execve(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606  no shell is the point


def _watch(pid: int, timeout_s: float) -> str:
    """Wait for the worker to end by itself, for the deadline, or for the parent to go away."""
    deadline = time.monotonic() + timeout_s
    handle = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.register(CONTROL_FD, select.POLLIN)
    while True:
        left_s = deadline - time.monotonic()
        ready = {fd for fd, _ in poll.poll(max(0.0, left_s) * 1000)}
        if handle in ready:
            return "exited"
        if CONTROL_FD in ready and not os.read(CONTROL_FD, 4096):
            return "stopped"
        if left_s <= 0:
            return "timeout"


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _kill_descendants() -> None:
    """Kill what was left behind, generation by generation, until nobody is there."""
    while True:
        for child in _children():
            os.kill(child, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def _children() -> list[int]:
    own = os.getpid()
    with open(f"/proc/{own}/task/{own}/children") as file:  # noqa: PTH123  pathlib is weight
        return [int(child) for child in file.read().split()]


def _read_line(handle: int) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        chunk = os.read(handle, 65536)
        if not chunk:
            sys.exit("the parent went away before it said what to run")
        data += chunk
    return data


def _oom_kills() -> int:
    """Return how often the kernel has killed for want of memory, as far as it tells."""
    try:
        with open("/proc/vmstat") as file:  # noqa: PTH123  likewise
            counts = dict(line.split() for line in file)
    except OSError:
        return 0
    return int(counts.get("oom_kill", 0))


def _randomises() -> bool:
    """Tell whether the kernel randomises addresses at all; where it does not say, it may."""
    try:
        with open("/proc/sys/kernel/randomize_va_space") as file:  # noqa: PTH123  likewise
            return file.read().strip() != "0"
    except OSError:
        return True


def _exit_on_signal(number: int, _frame: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
