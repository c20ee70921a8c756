"""Where a run comes from, as its manifest tells; what a manifest lacks is empty, never guessed."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from harness.stats.summary import Row

COMPLETE = "complete"
_FLAGS = {
    "--threshold": "threshold_bytes",
    "--function-limit": "function_limit",
    "--encoder": "encoder",
    "--compressor": "compressor",
    "--seed": "seed",
}
"""The options of the command that decide about a number, and what the manifest calls them."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is needed to repeat a run and to judge whether another is comparable."""

    run_id: str
    state: str
    command: str
    started_at: str
    elapsed_s: float | None
    versions: Mapping[str, str]
    rig: Mapping[str, Any]
    rig_fingerprint: str
    options: Mapping[str, Any]
    paths: Mapping[str, str]
    not_measured: tuple[str, ...]

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """Return what `manifest` says."""
        elapsed_s = manifest.get("elapsed_s")
        corpus = manifest.get("corpus", [])
        return cls(
            run_id=str(manifest.get("run_id", "")),
            state=str(manifest.get("state", "")),
            command=str(manifest.get("command", "")),
            started_at=str(manifest.get("started_at", "")),
            elapsed_s=None if elapsed_s is None else float(elapsed_s),
            versions={name: str(value) for name, value in manifest.get("versions", {}).items()},
            rig=dict(manifest.get("rig", {})),
            rig_fingerprint=str(manifest.get("rig_fingerprint", "")),
            options=dict(manifest.get("options", {})),
            paths={str(binary["name"]): str(binary.get("path", "")) for binary in corpus},
            not_measured=tuple(map(str, manifest.get("not_measured", []))),
        )

    @property
    def complete(self) -> bool:
        """Whether the run says of itself that it reached its end."""
        return self.state == COMPLETE

    def repeat_command(self, row: Row) -> str:
        """Return the command that measures one row again, alone, with the options of this run."""
        path = _from_here(self.paths.get(row.binary) or row.binary)
        command = ["python", "-m", "harness", "run", path, "--source", row.source]
        for arm in (row.baseline.name, row.candidate.name):
            command += ["--arm", arm]
        known = {**self.options, **self.options.get("pipeline_options", {})}
        for flag, name in _FLAGS.items():
            if name in known:
                command += [flag, str(known[name])]
        return shlex.join(command)


def _from_here(path: str) -> str:
    """Return `path` relative to the working directory where it lies below it."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
