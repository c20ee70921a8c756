"""Start one worker, limit it, reap it: a small process between the parent and everything measured.

Run as `python -I -S launcher.py`, standard library only. DECISIONS.md (3, 13, 62, 76)
says what for.

RSS. Linux keeps the high-water RSS of a process across `execve`: a child of a big parent starts
with the parent's, a child of this one with some 5 MB.

Death of the parent. Its control pipe is this process's standard input. End of file there means
that the parent is gone, by whatever signal, and the worker's whole process group is killed. The
worker in turn asks the kernel for SIGKILL when the launcher dies.

Descendants. The launcher is a subreaper: what a worker leaves behind, in its group or in a session
of its own, becomes a child of the launcher and is killed before the launcher reports.

Limits. A worker that is to be limited gets a cgroup of its own, which is removed when it has ended.
Should this process be killed, one that waits for nothing else kills whoever is in the cgroup and
removes it; what even that one left, the next launcher removes. A lock on it, which dies with its
launcher, tells that it is in use: a process number is another's in another PID namespace.

Addresses. The worker runs without address space randomisation, where the system allows it; where it
does not, the report says so.

In: one JSON line on standard input, a `Spec` of `harness.run.child`. Out: one JSON line on
standard output. The worker gets `input` on 0, nothing on 1, our standard error on 2 and the result
pipe on 3. Every duration is on the monotonic clock, so setting the clock back changes nothing.
"""

from __future__ import annotations

import ctypes
import fcntl
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
GROUP_PREFIX = "harness-"

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Read the spec, run the worker, report."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    spec = json.loads(_read_line(CONTROL_FD))
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    randomised = _libc.personality(ADDR_NO_RANDOMIZE) == -1 and _randomises()
    started, kills_before = time.monotonic(), _kills_anywhere()
    group = spec["confinement"]["group"]
    name = f"{GROUP_PREFIX}{os.getpid()}-{time.time_ns():x}"  # a number is taken per namespace
    directory = f"{group['parent']}/{name}" if group else ""
    watcher, held = _start_watcher(directory) if group else (0, 0)
    try:
        if group:
            _make_group(group, directory)
        pid = _start(spec, directory)
        os.close(spec["result_fd"])
        try:
            ending = _watch(pid, spec["timeout_s"])
        finally:
            _kill_group(pid)
            _, status, usage = os.wait4(pid, 0)
            _kill_descendants(watcher)
        oom_kills = _kills_in(group, directory) if group else 0
        charged_bytes = int(_text(f"{directory}/{group['peak']}") or 0) if group else 0
    finally:
        _remove_group(directory)
        if watcher:
            os.close(held)
            os.waitpid(watcher, 0)
    report = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "ending": ending,
        "wall_s": time.monotonic() - started,
        "randomised": randomised,
        "oom_kills": oom_kills,
        "kills_anywhere": 0 if group else _kills_anywhere() - kills_before,
        "charged_bytes": charged_bytes,
        "max_rss_bytes": usage.ru_maxrss * 1024,
        "voluntary_switches": usage.ru_nvcsw,
        "involuntary_switches": usage.ru_nivcsw,
    }
    os.write(REPORT_FD, json.dumps(report).encode() + b"\n")


def _start(spec: dict[str, Any], directory: str) -> int:
    job = os.memfd_create("job")
    os.write(job, spec["input"].encode())
    os.lseek(job, 0, os.SEEK_SET)
    launcher = os.getpid()
    pid = os.fork()
    if pid:
        os.close(job)
        return pid
    try:
        _become_worker(spec, job, launcher, directory)
    except OSError as error:
        os.write(2, f"cannot start {spec['argv'][0]}: {error}\n".encode())
    finally:
        os._exit(127)


def _become_worker(spec: dict[str, Any], job: int, launcher: int, directory: str) -> None:
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
    if spec["confinement"]["data_bytes"]:
        resource.setrlimit(resource.RLIMIT_DATA, (spec["confinement"]["data_bytes"],) * 2)
    if directory:
        _write(f"{directory}/cgroup.procs", str(os.getpid()))
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


def _kill_descendants(watcher: int) -> None:
    """Kill what was left behind, generation by generation, until nobody but `watcher` is there."""
    while left := [child for child in _children() if child != watcher]:
        for child in left:
            os.kill(child, signal.SIGKILL)
        for child in left:
            os.waitpid(child, 0)


def _children() -> list[int]:
    own = os.getpid()
    with open(f"/proc/{own}/task/{own}/children") as file:  # noqa: PTH123  pathlib is weight
        return [int(child) for child in file.read().split()]


def _start_watcher(directory: str) -> tuple[int, int]:
    """Start what tidies up after a launcher that is killed; return it, and what it waits for.

    It holds nothing open but the end of a pipe whose other end dies with this process, and has a
    session of its own, so that what is sent to the launcher's does not reach it.
    """
    waiting, held = os.pipe()
    watcher = os.fork()
    if watcher:
        os.close(waiting)
        return watcher, held
    try:
        os.setsid()
        os.dup2(waiting, 0)
        os.closerange(1, 256)
        os.read(0, 1)
        _remove_group(directory)
    finally:
        os._exit(0)


def _make_group(group: dict[str, Any], directory: str) -> None:
    """Make the cgroup that is described, and remove what launchers that were killed have left."""
    try:
        # Until it is let go of, nobody else makes a cgroup here, or takes an unlocked one for left.
        parent = _locked(group["parent"], fcntl.LOCK_EX)
        _remove_left(group["parent"])
        os.mkdir(directory)  # noqa: PTH102  likewise
        _locked(directory, fcntl.LOCK_EX)
        os.close(parent)
        for name, text in group["settings"].items():
            _write(f"{directory}/{name}", text)
        for name, text in group["optional"].items():
            if os.path.exists(f"{directory}/{name}"):  # noqa: PTH110  likewise
                _write(f"{directory}/{name}", text)
    except OSError as error:
        sys.exit(f"cannot limit memory in {directory}: {error.strerror}")


def _remove_left(parent: str) -> None:
    for name in os.listdir(parent):  # noqa: PTH208  likewise
        if name.startswith(GROUP_PREFIX):
            try:
                os.close(_locked(f"{parent}/{name}", fcntl.LOCK_EX | fcntl.LOCK_NB))
            except OSError:
                continue  # it is in use, or has just been removed
            _remove_group(f"{parent}/{name}")


def _locked(directory: str, how: int) -> int:
    """Return a handle that holds a lock until it is closed."""
    fcntl.flock(handle := os.open(directory, os.O_RDONLY), how)
    return handle


def _remove_group(directory: str) -> None:
    """Kill who is left in a cgroup and remove it; the kernel takes a moment after the last one."""
    for _ in range(100 if directory else 0):
        try:
            os.rmdir(directory)  # noqa: PTH106  likewise
        except FileNotFoundError:
            return
        except OSError:
            for pid in _text(f"{directory}/cgroup.procs").split():
                _kill(int(pid))
            time.sleep(0.01)


def _kill(pid: int) -> None:
    """Kill a process, if it is ours; 0 stands for one in another namespace, and would mean us."""
    try:
        if pid:
            os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _kills_in(group: dict[str, Any], directory: str) -> int:
    lines = _text(f"{directory}/{group['events']}").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def _text(path: str) -> str:
    """Return what a file says; nothing where this kernel does not have it."""
    try:
        with open(path) as file:  # noqa: PTH123  likewise
            return file.read()
    except OSError:
        return ""


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)


def _read_line(handle: int) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        chunk = os.read(handle, 65536)
        if not chunk:
            sys.exit("the parent went away before it said what to run")
        data += chunk
    return data


def _kills_anywhere() -> int:
    """Return how often the kernel has killed for want of memory, as far as it tells.

    It counts for the whole machine, and does not say whom.
    """
    return int(dict(line.split() for line in _text("/proc/vmstat").splitlines()).get("oom_kill", 0))


def _randomises() -> bool:
    """Tell whether the kernel randomises addresses at all; where it does not say, it may."""
    return _text("/proc/sys/kernel/randomize_va_space").strip() != "0"


def _exit_on_signal(number: int, _frame: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
