"""A whole run on disk, made in milliseconds: complete, verified, nothing missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from harness.records import VERIFY, Manifest, Record
from harness.store import COMPLETE, RunWriter
from harness.tests.store.records import a_record

ARMS = ("legacy", "streaming")
PEAK = "heap_peak"
MANIFEST: dict[str, Any] = {
    "state": COMPLETE,
    "command": "python -m harness run corpus/",
    "commit": "c0ffee" + "0" * 34,
    "dirty": False,
    "versions": {"python": "3.11.7 (main)", "memray": "1.20.0", "harness": "0.1.0"},
    "rig": {"machine": "x86_64", "cpu": "one", "cpus": 2, "implementation": "CPython"},
    "rig_fingerprint": "f" * 64,
    "code_sha256": "c" * 64,
    "options": {
        "arms": [{"name": arm, "pipeline": f"harness.pipelines.{arm}:run"} for arm in ARMS],
        "sources": ["replay"],
    },
    "corpus": [
        {"name": "libelf", "path": "/nowhere/libelf", "sha256": "ab" * 32, "size_bytes": 1000}
    ],
    "warnings": [],
}


def a_manifest(**changes: Any) -> Manifest:
    """Return the manifest of a sound run, with some fields changed."""
    return msgspec.convert({**MANIFEST, **changes}, Manifest)


def sound_run(results: Path, peaks: dict[str, list[float]] | None = None, **manifest: Any) -> Path:
    """Write a run whose arms have these peaks, one a replicate; return its directory."""
    peaks = peaks or {"legacy": [9e6, 9e6], "streaming": [1e6, 1e6]}
    with RunWriter.create(results, a_manifest(**manifest)) as writer:
        place = {"run_id": writer.run_id}
        for record in records(place, peaks):
            writer.append(record)
        return writer.path


def records(place: dict[str, Any], peaks: dict[str, list[float]]) -> list[Record]:
    """Return what a run of one binary stores: a verification of each arm, then its replicates."""
    verified = [
        structs.replace(a_record(probe=VERIFY, arm=arm, **place), values={}) for arm in peaks
    ]
    measured = [
        structs.replace(
            a_record(probe="peak", arm=arm, replicate=number, order=number, **place),
            values={PEAK: value},
        )
        for arm, values in peaks.items()
        for number, value in enumerate(values)
    ]
    return verified + measured
