"""Where a run was measured: what two runs must share before their numbers may be compared."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import zlib
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import harness
from harness.records import Metric

EXTRACTION = ("model.py", "sharing.py", "symbols")
MEASURED = (
    *EXTRACTION,
    *("config.py", "contracts.py", "errors.py", "records.py", "wire.py"),
    *("intake", "pipelines", "probes", "run"),
)
_DISTRIBUTIONS = (*("harness", "memray", "pyelftools", "msgspec", "orjson", "zlib-ng", "isal"),)


def instruments_of(metrics: Mapping[str, Iterable[Metric]]) -> set[str]:
    """Return the distributions that the metrics of some probes are measured with."""
    return {metric.instrument for declared in metrics.values() for metric in declared} - {""}


def versions(instruments: Iterable[str] = ()) -> dict[str, str]:
    """Return the version of everything that runs in a measured process.

    Args:
        instruments: Distributions that only the probes of the run depend on.
    """
    found = {"python": sys.version, "zlib": zlib.ZLIB_RUNTIME_VERSION}
    for name in dict.fromkeys([*_DISTRIBUTIONS, *sorted(instruments)]):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def rig() -> dict[str, str | int]:
    """Return what the machine is, as far as it bears on a measurement."""
    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "libc": "-".join(platform.libc_ver()),
        "implementation": platform.python_implementation(),
        "cpu": _first_value("/proc/cpuinfo", "model name"),
        "cpus": os.cpu_count() or 0,
        "memory_bytes": _memory_bytes(),
        "page_bytes": os.sysconf("SC_PAGE_SIZE"),
    }


def code_digest(parts: tuple[str, ...] = MEASURED) -> str:
    """Return a digest of our own source: of some modules and packages, or of all that is measured.

    Args:
        parts: Names of files and directories in the package.
    """
    root = Path(harness.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if name.parts[0] in parts:
            digest.update(f"{name}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def fingerprint(versions: dict[str, str], rig: dict[str, str | int]) -> str:
    """Return one digest over both; equal digests, comparable runs.

    The harness' own version is left out: comparing two commits of it is what the digest is for.
    """
    others = {name: text for name, text in versions.items() if name != "harness"}
    return hashlib.sha256(json.dumps([others, rig], sort_keys=True).encode()).hexdigest()


def _first_value(path: str, key: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
