"""What the manifest of a run says before the first measurement."""

from __future__ import annotations

import json
import shlex
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from harness.run.commit import commit_of
from harness.run.request import RunRequest
from harness.run.rig import code_digest, fingerprint, rig, versions
from harness.store import RUNNING

_WITHOUT_BEARING = (
    *("binaries", "results", "command", "cache", "slots", "keep_captures", "kind", "commit"),
)


def first_manifest(request: RunRequest) -> dict[str, Any]:
    """Return what has to be known to repeat the run, and to refuse a comparison with another."""
    found, machine = versions(), rig()
    commit = commit_of(request.commit, Path.cwd())
    return {
        "state": RUNNING,
        "kind": request.kind,
        "command": shlex.join(request.command or sys.argv),
        "commit": commit.name,
        "dirty": commit.dirty,
        "versions": found,
        "rig": machine,
        "rig_fingerprint": fingerprint(found, machine),
        "code_sha256": code_digest(),
        "options": options_of(request),
        "corpus": corpus_of(request),
        "not_measured": [],
        "warnings": [],
    }


def options_of(request: RunRequest) -> dict[str, Any]:
    """Return every option that has a bearing on a number."""
    fields = _as_read_back(request)
    for name in _WITHOUT_BEARING:
        del fields[name]
    return fields


def corpus_of(request: RunRequest) -> list[dict[str, Any]]:
    """Return every binary with its digest, in the order of the request."""
    return [_as_read_back(binary) for binary in request.binaries]


def modes_of(request: RunRequest) -> dict[str, int]:
    """Return the permission bits of every binary that is there: fetched ones come during a run."""
    modes = {}
    for binary in request.binaries:
        with suppress(OSError):
            modes[binary.name] = stat.S_IMODE(Path(binary.path).stat().st_mode)
    return modes


def _as_read_back(value: object) -> dict[str, Any]:
    """Return what a reader of the manifest will get, so that equal means unchanged."""
    found: dict[str, Any] = json.loads(json.dumps(msgspec.to_builtins(value, enc_hook=str)))
    return found
