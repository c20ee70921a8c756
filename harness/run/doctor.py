"""Look at the machine before anything is measured on it: what is missing, what would disturb."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from harness.config import DEFAULTS, GIB, MIB
from harness.errors import HarnessError
from harness.intake.process import Intake
from harness.limits.backend import Backend
from harness.limits.choice import find_backends
from harness.probes.gc_trace import live_heap_reader
from harness.records import Metric, Record
from harness.run.cache import default_cache
from harness.run.confined import try_backend
from harness.run.launcher import ADDR_NO_RANDOMIZE
from harness.run.manifest import versions
from harness.run.scratch import scratch_directory
from harness.run.trial import HONEST, Trial

OK, WARNING, FAILURE = "ok", "warning", "failure"
_DISK_BYTES_MIN = 2 * GIB
_MEMORY_BYTES_MIN = 2 * GIB


class MachineCheck(Struct, frozen=True):
    """One thing that was looked at. A failure makes measuring impossible, a warning noisy."""

    name: str
    status: str
    detail: str
    remedy: str = ""


def _check(
    name: str, detail: str, fine: bool, remedy: str, otherwise: str = WARNING
) -> MachineCheck:
    """Return what was found, with the remedy unless it is fine."""
    return MachineCheck(name, OK if fine else otherwise, detail, "" if fine else remedy)


def iter_checks(results: Path) -> Iterator[MachineCheck]:
    """Look at everything a run into `results` depends on; each check comes when it is known."""
    yield _check_python()
    found = (f"{name} {version.split()[0]}" for name, version in versions().items())
    yield MachineCheck("versions", OK, ", ".join(found))
    yield from _iter_kernel_checks()
    yield _check_addresses()
    yield _check_mallinfo()
    yield _check_disk("results", results)
    yield _check_disk("captures", Path(tempfile.gettempdir()))
    yield _check_disk("package caches", default_cache())
    yield _check_memory()
    yield from (_check_limit(backend) for backend in find_backends())
    yield from _iter_noise_checks()
    yield from _iter_probe_checks()


def _check_python() -> MachineCheck:
    found = f"{sys.implementation.name} {sys.version.split()[0]}, {sys.executable}"
    fine = sys.implementation.name == "cpython" and sys.version_info >= (3, 11)
    return _check("Python", found, fine, "use CPython 3.11 or later", FAILURE)


def _iter_kernel_checks() -> Iterator[MachineCheck]:
    own = os.getpid()
    needed: tuple[tuple[str, Callable[[], object], str], ...] = (
        ("pidfd_open", lambda: os.close(os.pidfd_open(own)), "Linux 5.3 or later"),
        ("memfd_create", lambda: os.close(os.memfd_create("check")), "Linux 3.17 or later"),
        (
            "list of children",
            Path(f"/proc/{own}/task/{own}/children").read_text,
            "a kernel with CONFIG_PROC_CHILDREN, and /proc mounted",
        ),
    )
    for name, attempt, remedy in needed:
        try:
            attempt()
        except (AttributeError, OSError) as error:
            yield MachineCheck(name, FAILURE, str(error), remedy=f"use {remedy}")
        else:
            yield MachineCheck(name, OK, "works")


def _check_addresses() -> MachineCheck:
    """Try, in a child, what the launcher does before every worker."""
    attempt = "import ctypes, sys; sys.exit(ctypes.CDLL(None).personality(int(sys.argv[1])) == -1)"
    child = [sys.executable, "-I", "-S", "-c", attempt, str(ADDR_NO_RANDOMIZE)]
    can = not subprocess.run(child, check=False).returncode
    return _check(
        "address randomisation",
        "can be switched off" if can else "cannot be switched off here",
        can,
        "allow personality(2), as in: docker run --security-opt seccomp=unconfined; "
        "else exact peaks may differ by some hundred bytes",
    )


def _check_mallinfo() -> MachineCheck:
    try:
        live_bytes = live_heap_reader()()
    except HarnessError as error:
        return MachineCheck("mallinfo2", WARNING, error.message, remedy=error.remedy)
    return MachineCheck("mallinfo2", OK, f"{live_bytes / MIB:.0f} MiB live here")


def _check_disk(what: str, path: Path) -> MachineCheck:
    name, place = f"disk for {what}", path
    while not place.exists():
        place = place.parent
    free_bytes = shutil.disk_usage(place).free
    detail = f"{free_bytes / GIB:.1f} GiB free in {path}"
    if not (place.is_dir() and os.access(place, os.W_OK)):
        why = "read-only" if place.is_dir() else "no directory"
        return MachineCheck(name, FAILURE, f"{place} is {why}", remedy="choose another")
    fine = free_bytes >= _DISK_BYTES_MIN
    return _check(name, detail, fine, f"free {_DISK_BYTES_MIN // GIB} GiB")


def _check_memory() -> MachineCheck:
    available_bytes = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        available_bytes = int(line.split()[1]) * 1024
    fine = available_bytes >= _MEMORY_BYTES_MIN
    detail = f"{available_bytes / GIB:.1f} GiB available"
    return _check("memory", detail, fine, "close what else is running")


def _check_limit(backend: Backend) -> MachineCheck:
    """Try whether memory can be limited that way; a machine that cannot still measures."""
    name = f"memory limit {backend.name}"
    if backend.missing:
        return MachineCheck(name, OK, backend.missing, backend.remedy)
    why = try_backend(backend)
    works = "a process that holds more than its limit is stopped"
    return _check(name, why or works, not why, "do not rely on it here")


def _iter_noise_checks() -> Iterator[MachineCheck]:
    """Look at what makes clocks and RSS noisy; heap peaks do not depend on it."""
    load, cpus = os.getloadavg()[0], os.cpu_count() or 1
    yield _check(
        "load",
        f"{load:.1f} on {cpus} CPUs",
        load < cpus / 2,
        "times will be noisy: wait, or measure heap only",
    )
    governor = _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    steady, remedy = governor in {"", "performance"}, "cpupower frequency-set -g performance"
    yield _check("CPU governor", governor or "not adjustable here", steady, f"for times: {remedy}")
    pages = _read(switch := "/sys/kernel/mm/transparent_hugepage/enabled")
    fine = "[always]" not in pages
    yield _check("huge pages", pages or "none", fine, f"for RSS: write madvise to {switch}")


def _read(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text(encoding="ascii").strip()
    return ""


def _iter_probe_checks() -> Iterator[MachineCheck]:
    """Measure a few made-up packages with every built-in probe, in workers as in a run."""
    with scratch_directory() as scratch, Intake() as intake:
        trial = Trial(scratch, intake, DEFAULTS.probes)
        trial.make("packages", 2, 10)
        for name in DEFAULTS.probes:
            record = trial.run(HONEST, "packages", name)
            yield _check_probe(record, trial.traits[name].metrics[0])


def _check_probe(record: Record, first: Metric) -> MachineCheck:
    name = f"probe {record.job.probe}"
    if record.status == "ok":
        detail = f"{first.name} {record.values[first.name]:,.6g} {first.unit}"
        return MachineCheck(name, OK, detail)
    remedy = "reinstall harness and its dependencies in a fresh environment"
    return MachineCheck(name, FAILURE, f"{record.status}: {record.detail}", remedy)
