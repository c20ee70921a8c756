"""What a run is measured on and with: the manifest before the first measurement.

The machine, the versions of everything that runs in a measured process, a digest of our own code,
and the commit: what two runs must share before their numbers may be compared.
"""

from __future__ import annotations

import compileall
import hashlib
import json
import os
import platform
import shlex
import stat
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct, structs

import harness
from harness.limits.choice import metric_of
from harness.limits.found import PROBE
from harness.records import Manifest, Options
from harness.registry import find
from harness.run.extensions import declared_metrics, resolve_probes
from harness.run.request import RunRequest
from harness.store import RUNNING
from harness.store.manifest import Conditions

EXTRACTION = ("model.py", "sharing.py", "symbols")
MEASURED = (
    *EXTRACTION,
    *("config.py", "contracts.py", "errors.py", "records.py", "wire.py"),
    *("intake", "limits", "pipelines", "probes", "run"),
)
_DISTRIBUTIONS = ("memray", "pyelftools", "msgspec", "orjson", "zlib-ng", "isal")
_GIT_S = 10.0
_OF_CI = ("GITHUB_SHA", "CI_COMMIT_SHA", "BUILDKITE_COMMIT", "CIRCLE_SHA1", "GIT_COMMIT")


class Commit(Struct, frozen=True):
    """A commit, or whatever a user calls it; empty when nobody knows.

    `dirty` says whether tracked files differed from it; None when that is not known.
    """

    name: str = ""
    dirty: bool | None = None


def conditions_of(request: RunRequest) -> Conditions:
    """Return what is true of this process and its machine."""
    metrics = declared_metrics(resolve_probes(request.probes)).values()
    found = versions({metric.instrument for declared in metrics for metric in declared} - {""})
    machine = rig()
    return Conditions(
        versions=found,
        rig=machine,
        rig_fingerprint=fingerprint(found, machine),
        code_sha256=code_digest(),
        plugins=plugin_digests(request),
    )


def first_manifest(request: RunRequest) -> Manifest:
    """Return what has to be known to repeat the run, and to refuse a comparison with another."""
    metrics = declared_metrics(resolve_probes(request.probes))
    if limits := request.memory_limits:
        compared = request.kind == PROBE
        found_limit = metric_of(limits.backend, limits.grain_bytes, compared=compared)
        metrics |= {PROBE: (found_limit,)}
    commit = commit_of(request.commit, Path.cwd())
    return Manifest(
        state=RUNNING,
        kind=request.kind,
        command=shlex.join(request.command or sys.argv),
        commit=commit.name,
        dirty=commit.dirty,
        **structs.asdict(conditions_of(request)),
        shard=request.shard,
        shard_of=request.shard_of,
        metrics=metrics,
        options=options_of(request),
        corpus=request.binaries,
    )


def options_of(request: RunRequest) -> Options:
    """Return every option that has a bearing on a number."""
    return Options(**{name: getattr(request, name) for name in Options.__struct_fields__})


def modes_of(request: RunRequest) -> dict[str, int]:
    """Return the permission bits of every binary that is there: fetched ones come during a run."""
    modes = {}
    for binary in request.binaries:
        with suppress(OSError):
            modes[binary.name] = stat.S_IMODE(Path(binary.path).stat().st_mode)
    return modes


def versions(instruments: Iterable[str] = ()) -> dict[str, str]:
    """Return the version of everything that runs in a measured process, `instruments` too."""
    found = {
        "python": sys.version,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "harness": harness.__version__,
    }
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
        "cpu": _cpu_model(),
        "cpus": os.cpu_count() or 0,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "page_bytes": os.sysconf("SC_PAGE_SIZE"),
    }


def code_digest(parts: tuple[str, ...] = MEASURED) -> str:
    """Return a digest of our own source: of some modules and packages, or of all that is measured.

    Args:
        parts: Names of files and directories in the package.
    """
    root = Path(harness.__file__).parent
    return _digest(root, _iter_code(root, parts))


def compile_code(request: RunRequest) -> None:
    """Compile what workers load, plugins too, before the first of them starts.

    One that has to do so itself has other names on its heap: its peak differs by some 100 bytes.
    Workers do so whatever this process was told of bytecode, for they are told nothing.
    """
    paths = [*_iter_code(Path(harness.__file__).parent, MEASURED)]
    for plugin in _iter_plugins(request):
        paths += _module_files(plugin)[1]
    for path in paths:
        compileall.compile_file(path, quiet=2)


def _iter_code(root: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] in parts:
            yield path


def is_digested(target: str) -> bool:
    """Tell whether `code_digest` covers the module of a `module:attribute`."""
    package, _, name = target.partition(":")[0].partition(".")
    return package == "harness" and name.split(".")[0] in MEASURED


def plugin_digests(request: RunRequest) -> dict[str, str]:
    """Return the digest of each pipeline and probe that `code_digest` does not cover."""
    return {plugin: _module_digest(plugin) for plugin in _iter_plugins(request)}


def _iter_plugins(request: RunRequest) -> Iterator[str]:
    targets = {arm.pipeline for arm in request.arms if arm.pipeline}
    targets |= {find("probe", name).value for name in request.probes}
    return (target for target in sorted(targets) if not is_digested(target))


def _module_digest(target: str) -> str:
    """Return one digest over the whole package of a `module:attribute`; empty if none is found."""
    root, paths = _module_files(target)
    return _digest(root, paths) if paths else ""


def _digest(root: Path, paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _module_files(target: str) -> tuple[Path, list[Path]]:
    """Return the directory of a `module:attribute`, and the code of its package or the module's."""
    directory, _, module = target.rpartition(":")[0].rpartition(":")
    package = module.partition(".")[0]
    spec = PathFinder.find_spec(package, [directory]) if directory else find_spec(package)
    if spec is None or spec.origin is None or not spec.has_location:  # a frozen one has no file
        return Path(), []
    origin = Path(spec.origin)
    inside = spec.submodule_search_locations is not None
    return origin.parent, sorted(origin.parent.rglob("*.py")) if inside else [origin]


def fingerprint(versions: dict[str, str], rig: dict[str, str | int]) -> str:
    """Return one digest over both; equal digests, comparable runs.

    The harness' own version is left out: comparing two commits of it is what the digest is for.
    """
    others = {name: text for name, text in versions.items() if name != "harness"}
    return hashlib.sha256(json.dumps([others, rig], sort_keys=True).encode()).hexdigest()


def _cpu_model() -> str:
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        models = (line.split(":", 1)[1] for line in lines if line.startswith("model name"))
        return next(models, "").strip()
    return ""


def commit_of(label: str, directory: Path) -> Commit:
    """Return what is being measured from `directory`.

    A label wins, then the checkout that the directory is in. What a CI service says comes last:
    it names the commit that started the job, and a job that compares two has both checked out.
    """
    if label:
        return Commit(label)
    name = _git(directory, "rev-parse", "--verify", "HEAD")
    if name:
        changes = _git(directory, "status", "--porcelain", "--untracked-files=no")
        return Commit(name.strip(), None if changes is None else bool(changes.strip()))
    return Commit(next((os.environ[key] for key in _OF_CI if os.environ.get(key)), ""))


def _git(directory: Path, *arguments: str) -> str | None:
    """Return what git prints; None when there is no git, no checkout, or no answer in time."""
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            # Looking must not write into the checkout that somebody works in.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_GIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
