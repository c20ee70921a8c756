"""What a metric depends on besides the code under test: where that differs, a bound says nothing.

An exact heap peak counts what the program asks for. It depends on Python, on the instrument and on
the width of a pointer, and on no property of the machine beside that: it can be gated on another
machine. Times and RSS depend on the machine too. Libraries are no part of it: which ones are
used is part of the commit under test, and what a new one costs is for the gate to see.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from msgspec import structs

from harness.records import Manifest
from harness.stats.metrics import Metrics
from harness.units import format_exactly

_COMPRESSORS = {"zlib-ng", "isal"}  # extras: installed or not, most runs do without
_ANYWHERE = ("implementation", "machine")
_MACHINE = ("system", "kernel", "libc", "cpu", "cpus")


def environment_of(metric: str, manifest: Manifest) -> dict[str, str]:
    """Return by name what the values of `metric` in a run depend on; empty where it was not said.

    Of Python its version counts, not the build: two builds of one version lay objects out alike.
    """
    declared = Metrics(manifest)[metric]
    versions, rig = manifest.versions, manifest.rig
    found = {"python": versions.get("python", "").partition(" ")[0]}
    if declared.instrument:
        found[declared.instrument] = versions.get(declared.instrument, "")
    if declared.grain:
        found["grain"] = format_exactly(declared.grain)
    if manifest.options.env:
        found["env"] = " ".join(f"{name}={value}" for name, value in manifest.options.env.items())
    names = _ANYWHERE if declared.portable else (*_ANYWHERE, *_MACHINE)
    return {**found, **{name: str(rig.get(name, "")) for name in names}}


def comparable_with(metric: str, manifest: Manifest) -> str:
    """Return what two runs must have in common before their values of `metric` are compared.

    For an exact metric it is that environment and the version of every library: a regression is
    to be one of the code. For others, and where the manifest does not say, it is all of the rig.
    Empty when nothing is known.

    Measured: exact peaks stayed the same to the byte with processor features switched off, on one
    processor, under another kernel's name and with other allocator settings.
    """
    needed = environment_of(metric, manifest)
    if not Metrics(manifest)[metric].portable or not all(needed.values()):
        return manifest.rig_fingerprint
    return json.dumps([needed, _libraries(manifest)], sort_keys=True)


def on_rig(manifest: Manifest, rigs: Collection[str]) -> Manifest:
    """Return the manifest of what was measured on these of its rigs: on one, all of it is known."""
    if len(rigs) != 1 or not manifest.rigs:
        return manifest
    (name,) = rigs
    return structs.replace(manifest, rig=manifest.rigs[name], rig_fingerprint=name)


def rig_differences(before: str, after: str) -> str:
    """Return how two answers of `comparable_with` differ; empty where they do not say."""
    try:
        sides = [{**needed, **others} for needed, others in map(json.loads, (before, after))]
    except (TypeError, ValueError):
        return ""
    return ", ".join(differences(*sides))


def _libraries(manifest: Manifest) -> dict[str, str]:
    """Return the versions of what may have run; compressors that no arm asked for did not."""
    options = manifest.options
    asked = [options.pipeline_options, *(arm.options for arm in options.arms)]
    idle = _COMPRESSORS - {each.compressor for each in asked if each}
    left_out = {"harness", "python", *idle}
    return {name: text for name, text in manifest.versions.items() if name not in left_out}


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return what differs, ready to be read: `python 3.11.7, then 3.12.1`."""
    return [
        f"{name} {before.get(name) or 'unknown'}, then {after.get(name) or 'unknown'}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]
