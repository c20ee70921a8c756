"""The command that measures one case again, alone, with everything that bears on the number."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from functools import lru_cache

from msgspec import json, structs

from harness.config import MEASURED_OPTIONS, LimitOptions, Limits, PipelineOptions, flag_of
from harness.limits.found import PROBE
from harness.records import CALL, Manifest, Options

_ALWAYS = ("threshold_bytes", "function_limit", "encoder", "compressor")
"""Options of a pipeline that are named even where they are the usual ones."""


def repeat_command(
    manifest: Manifest,
    case: tuple[str, str],
    arms: Sequence[str],
    *,
    probe: str = "",
    replicates: int = 0,
) -> str:
    """Return the command for one binary and source, with all instruments unless one is named."""
    if probe == PROBE or (manifest.kind == PROBE and not probe):
        return _command(manifest, "limit", case, arms, _limiting(manifest.options))
    measured = ["--probe", probe] if probe else []
    if replicates:
        measured += ["--replicates", str(replicates)]
    return _command(manifest, "run", case, arms, measured)


def limit_command(manifest: Manifest, case: tuple[str, str], arm: str, limit_bytes: int) -> str:
    """Return the command that tries one arm of a case under a memory limit again."""
    return _command(manifest, "limit", case, [arm], _limiting(manifest.options, limit_bytes))


def _limiting(options: Options, under_bytes: int = 0) -> list[str]:
    limits = options.memory_limits or LimitOptions()
    by = ["--backend", limits.backend]
    if under := under_bytes or max(limits.under_bytes, default=0):
        return ["--under", str(under), *by]
    return ["--grain", str(limits.grain_bytes), "--replicates", str(limits.replicates), *by]


def _command(
    manifest: Manifest, verb: str, case: tuple[str, str], arms: Sequence[str], more: Sequence[str]
) -> str:
    binary, source = case
    if source == CALL:
        return manifest.command
    path = _from_here(manifest.paths.get(binary) or binary)
    command = ["python", "-m", "harness", verb, path, "--source", source]
    pipelines = {one.name: one.pipeline for one in manifest.options.arms if not one.options}
    for arm in arms:
        command += ["--arm", _arm(arm, pipelines.get(arm, ""))]
    return f"{shlex.join([*command, *more])} {_options(json.encode(manifest.options))}"


def _arm(name: str, pipeline: str) -> str:
    """Return an arm as the command line takes it: ours by name, another one by where it is."""
    if pipeline in {"", f"harness.pipelines.{name}:run"}:
        return name
    module, _, attribute = pipeline.rpartition(":")
    directory, _, dotted = module.rpartition(":")
    where = f"{directory}/{dotted.replace('.', '/')}.py" if directory else module
    return f"{name}={where}:{attribute}"


@lru_cache(maxsize=8)  # what two runs say is asked for by each of a hundred thousand rows
def _options(encoded: bytes) -> str:
    options = json.decode(encoded, type=Options)
    flags = [*_iter_flags(options.pipeline_options), "--seed", str(options.seed)]
    for name, value in options.env.items():
        flags += ["--env", f"{name}={value}"]
    for directory in options.symbol_options.debug_dirs:
        flags += ["--debug-dir", directory]
    for name, value in structs.asdict(options.symbol_options.limits).items():
        if value != getattr(Limits(), name):
            flags += ["--limit", f"{name}={value}"]
    return shlex.join(flags)


def _iter_flags(pipeline: PipelineOptions) -> Iterator[str]:
    usual = PipelineOptions()
    for name in MEASURED_OPTIONS:
        value, flag = getattr(pipeline, name), flag_of(name)
        if name in _ALWAYS or value != getattr(usual, name):
            yield from [flag] if isinstance(value, bool) else [flag, str(value)]


def _from_here(path: str) -> str:
    """Return `path` relative to the working directory where it lies below it."""
    try:
        here = os.getcwd()  # noqa: PTH109  a Path takes ten times as long, and there are many rows
    except FileNotFoundError:  # it was removed
        return path
    return path.removeprefix(f"{here}/")
