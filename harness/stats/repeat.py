"""The command that measures one case again, alone, with everything that bears on the number."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from harness.config import Limits, PipelineOptions

_ALWAYS = {
    "--threshold": "threshold_bytes",
    "--function-limit": "function_limit",
    "--encoder": "encoder",
    "--compressor": "compressor",
    "--seed": "seed",
}
"""The options of the command that decide about a number, and what the manifest calls them."""

_WHEN_SET = {"--sync-flush": "sync_flush", "--sink": "sink"}


def repeat_command(
    manifest: Mapping[str, Any],
    case: tuple[str, str],
    arms: Sequence[str],
    *,
    probe: str = "",
    replicates: int = 0,
) -> str:
    """Return the command for one case.

    Args:
        manifest: That of the run; what it lacks is left to the command's own defaults.
        case: The binary and the source.
        arms: The pipelines to measure.
        probe: The instrument; without, all of them.
        replicates: How many of each; without, the default.
    """
    binary, source = case
    corpus = manifest.get("corpus", [])
    paths = {str(one.get("name")): str(one.get("path", "")) for one in corpus}
    path = _from_here(paths.get(binary) or binary)
    command = ["python", "-m", "harness", "run", path, "--source", source]
    for arm in arms:
        command += ["--arm", arm]
    if probe:
        command += ["--probe", probe]
    if replicates:
        command += ["--replicates", str(replicates)]
    return shlex.join([*command, *_options(manifest.get("options", {}))])


def _options(options: Mapping[str, Any]) -> list[str]:
    known = {**options, **options.get("pipeline_options", {})}
    flags = [text for flag, name in _ALWAYS.items() if name in known
             for text in (flag, str(known[name]))]  # fmt: skip
    for flag, name in _WHEN_SET.items():
        default = getattr(PipelineOptions(), name)
        if known.get(name, default) != default:
            flags += [flag, str(known[name])]
    usual = to_builtins(Limits())
    for name, value in known.get("symbol_options", {}).get("limits", {}).items():
        if value != usual.get(name):
            flags += ["--limit", f"{name}={value}"]
    return [*flags, "--hard-limit"] if known.get("hard_limit") else flags


def _from_here(path: str) -> str:
    """Return `path` relative to the working directory where it lies below it."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
