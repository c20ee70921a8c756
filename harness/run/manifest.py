"""What the manifest of a run says before the first measurement."""

from __future__ import annotations

import shlex
import stat
import sys
from contextlib import suppress
from pathlib import Path

from harness.records import Manifest, Options
from harness.run.commit import commit_of
from harness.run.extensions import declared_metrics, resolve_probes
from harness.run.request import RunRequest
from harness.run.rig import code_digest, fingerprint, instruments_of, rig, versions
from harness.store import RUNNING


def first_manifest(request: RunRequest) -> Manifest:
    """Return what has to be known to repeat the run, and to refuse a comparison with another."""
    metrics = declared_metrics(resolve_probes(request.probes))
    found, machine = versions(instruments_of(metrics)), rig()
    commit = commit_of(request.commit, Path.cwd())
    return Manifest(
        state=RUNNING,
        kind=request.kind,
        command=shlex.join(request.command or sys.argv),
        commit=commit.name,
        dirty=commit.dirty,
        versions=found,
        rig=machine,
        rig_fingerprint=fingerprint(found, machine),
        code_sha256=code_digest(),
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
