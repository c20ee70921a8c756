"""What the manifest of a run says before the first measurement."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import msgspec

from harness.run.request import RunRequest
from harness.run.rig import fingerprint, rig, versions
from harness.store import RUNNING


def first_manifest(request: RunRequest) -> dict[str, Any]:
    """Return what has to be known to repeat the run, and to refuse a comparison with another."""
    found, machine = versions(), rig()
    return {
        "state": RUNNING,
        "command": shlex.join(request.command or sys.argv),
        "versions": found,
        "rig": machine,
        "rig_fingerprint": fingerprint(found, machine),
        "options": options_of(request),
        "corpus": [msgspec.to_builtins(binary) for binary in request.binaries],
        "not_measured": [],
    }


def options_of(request: RunRequest) -> dict[str, Any]:
    """Return every option that has a bearing on a number."""
    fields: dict[str, Any] = msgspec.to_builtins(request, enc_hook=str)
    for name in ("binaries", "results", "command", "cache", "slots"):
        del fields[name]
    return fields
