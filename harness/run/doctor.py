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

from msgspec import Struct, structs

from harness.config import DEFAULTS, GIB, MIB
from harness.errors import HarnessError
from harness.intake import COUNT_PATH
from harness.intake.process import Intake
from harness.limits.backend import Backend
from harness.limits.choice import find_backends
from harness.model import Package, Scope, package_scope
from harness.probes.gc_trace import live_heap_reader
from harness.records import Job, Metric, Record
from harness.run.cache import default_cache
from harness.run.confined import try_backend
from harness.run.executor import Settings, iter_records
from harness.run.extensions import resolve_probes
from harness.run.launcher import ADDR_NO_RANDOMIZE
from harness.run.manifest import versions
from harness.run.recording import ListedPackages, write_replay
from harness.run.scratch import scratch_directory

OK, WARNING, FAILURE = "ok", "warning", "failure"
_DISK_BYTES_MIN = 2 * GIB
_MEMORY_BYTES_MIN = 2 * GIB


class MachineCheck(Struct, frozen=True):
    """One thing that was looked at. A failure makes measuring impossible, a warning noisy."""

    name: str
    status: str
    detail: str
    remedy: str = ""


def iter_checks(results: Path) -> Iterator[MachineCheck]:
    """Look at everything a run into `results` depends on; each check comes when it is known."""
    yield _check_python()
    yield MachineCheck("versions", OK, _version_line())
    yield from _iter_kernel_checks()
    yield _check_addresses()
    yield _check_mallinfo()
    yield from (_check_disk(name, path) for name, path in _places(results))
    yield _check_memory()
    yield from (_check_limit(backend) for backend in find_backends())
    yield from _iter_noise_checks()
    yield from _iter_probe_checks()


def _check_python() -> MachineCheck:
    found = f"{sys.implementation.name} {sys.version.split()[0]}, {sys.executable}"
    if sys.implementation.name != "cpython" or sys.version_info < (3, 11):
        return MachineCheck("Python", FAILURE, found, remedy="use CPython 3.11 or later")
    return MachineCheck("Python", OK, found)


def _version_line() -> str:
    return ", ".join(f"{name} {version.split()[0]}" for name, version in versions().items())


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
    if subprocess.run(child, check=False).returncode:
        return MachineCheck(
            "address randomisation",
            WARNING,
            "cannot be switched off here",
            remedy="allow personality(2), as in: docker run --security-opt seccomp=unconfined; "
            "else exact peaks may differ by some hundred bytes",
        )
    return MachineCheck("address randomisation", OK, "can be switched off")


def _check_mallinfo() -> MachineCheck:
    try:
        live_bytes = live_heap_reader()()
    except HarnessError as error:
        return MachineCheck("mallinfo2", WARNING, error.message, remedy=error.remedy)
    return MachineCheck("mallinfo2", OK, f"{live_bytes / MIB:.0f} MiB live here")


def _places(results: Path) -> list[tuple[str, Path]]:
    return [
        ("disk for results", results),
        ("disk for captures", Path(tempfile.gettempdir())),
        ("disk for package caches", default_cache()),
    ]


def _check_disk(name: str, path: Path) -> MachineCheck:
    place = path
    while not place.exists():
        place = place.parent
    free_bytes = shutil.disk_usage(place).free
    detail = f"{free_bytes / GIB:.1f} GiB free in {path}"
    if not place.is_dir():
        return MachineCheck(name, FAILURE, f"{place} is no directory", remedy="choose another")
    if not os.access(place, os.W_OK):
        return MachineCheck(name, FAILURE, f"{place} is read-only", remedy="choose another")
    if free_bytes < _DISK_BYTES_MIN:
        return MachineCheck(name, WARNING, detail, remedy=f"free {_DISK_BYTES_MIN // GIB} GiB")
    return MachineCheck(name, OK, detail)


def _check_memory() -> MachineCheck:
    available_bytes = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        available_bytes = int(line.split()[1]) * 1024
    detail = f"{available_bytes / GIB:.1f} GiB available"
    if available_bytes < _MEMORY_BYTES_MIN:
        return MachineCheck("memory", WARNING, detail, remedy="close what else is running")
    return MachineCheck("memory", OK, detail)


def _check_limit(backend: Backend) -> MachineCheck:
    """Try whether memory can be limited that way; a machine that cannot still measures."""
    detail, status = backend.missing, OK
    remedy = backend.remedy
    if not detail and (detail := try_backend(backend)):
        status, remedy = WARNING, "do not rely on it here"
    detail = detail or "a process that holds more than its limit is stopped"
    name = f"memory limit {backend.name}"
    return MachineCheck(name, status, detail, remedy=remedy)


def _iter_noise_checks() -> Iterator[MachineCheck]:
    """Look at what makes clocks and RSS noisy; heap peaks do not depend on it."""
    load, cpus = os.getloadavg()[0], os.cpu_count() or 1
    quiet = load < cpus / 2
    yield MachineCheck(
        "load",
        OK if quiet else WARNING,
        f"{load:.1f} on {cpus} CPUs",
        remedy="" if quiet else "times will be noisy: wait, or measure heap only",
    )
    governor = _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    steady = governor in {"", "performance"}
    yield MachineCheck(
        "CPU governor",
        OK if steady else WARNING,
        governor or "not adjustable here",
        remedy="" if steady else "for times: cpupower frequency-set -g performance",
    )
    pages = _read("/sys/kernel/mm/transparent_hugepage/enabled")
    huge = "[always]" in pages
    yield MachineCheck(
        "huge pages",
        WARNING if huge else OK,
        pages or "none",
        remedy=""
        if not huge
        else "for RSS: write madvise to /sys/kernel/mm/transparent_hugepage/enabled",
    )


def _read(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text(encoding="ascii").strip()
    return ""


def _iter_probe_checks() -> Iterator[MachineCheck]:
    """Measure a few made-up packages with every built-in probe, in workers as in a run."""
    with scratch_directory() as scratch, Intake() as intake:
        traits = resolve_probes(DEFAULTS.probes)
        work, replay = scratch / "work", scratch / "packages.replay"
        work.mkdir()
        write_replay(ListedPackages(iter_packages(2, 10)), replay)
        first = Job(
            run_id="doctor",
            binary="made up",
            binary_path="",
            binary_sha256="",
            arm="streaming",
            source="replay",
            probe="",
            replicate=0,
            order=0,
            pipeline="harness.pipelines.streaming:run",
            probe_target="",
            intake_url=intake.url + COUNT_PATH,
            scratch=str(scratch),
            replay=str(replay),
            upload_id="d0c70400-0000-4000-8000-000000000000",
            timeout_s=60.0,
        )
        jobs = [
            structs.replace(
                first, probe=name, probe_target=traits[name].target, scratch=f"{scratch}/{name}"
            )
            for name in DEFAULTS.probes
        ]
        for record in iter_records(jobs, Settings(work=str(work), traits=traits)):
            yield _check_probe(record, traits[record.job.probe].metrics[0])


def _check_probe(record: Record, first: Metric) -> MachineCheck:
    name = f"probe {record.job.probe}"
    if record.status == "ok":
        detail = f"{first.name} {record.values[first.name]:,.6g} {first.unit}"
        return MachineCheck(name, OK, detail)
    return MachineCheck(
        name,
        FAILURE,
        f"{record.status}: {record.detail}",
        remedy="reinstall harness and its dependencies in a fresh environment",
    )


def iter_packages(packages: int, functions: int) -> Iterator[Package]:
    """Make up packages: their functions are alike, but for their names."""
    for number in range(packages):
        children = (_function(number, index) for index in range(functions))
        yield Package(package_scope(f"example.com/pkg{number}"), "go", children)


def _function(package: int, index: int) -> Scope:
    return Scope(
        scope_type="function",
        name=f"function{package}_{index}",
        source_file=f"/src/pkg{package}/file.go",
        start_line=index,
        end_line=index + 9,
        has_injectible_lines=True,
    )
