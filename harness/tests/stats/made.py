"""Frames made of a few words, for tests that need to know every value in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from msgspec import convert, to_builtins

from harness.config import MIB, LimitOptions
from harness.records import Manifest
from harness.stats.frames import Frames

pd.set_option("mode.string_storage", "python")  # as `harness.stats.rows` makes tables

ARMS = ("legacy", "streaming")


def manifest(corpus: Iterable[dict[str, Any]] = (), **said: Any) -> Manifest:
    """Return a manifest that says this; what tests leave out of a binary is nothing special."""
    whole = [{"path": "", "sha256": "ab" * 32, "size_bytes": 0, **binary} for binary in corpus]
    return convert({"run_id": "r1", "corpus": whole, **said}, Manifest)


def sample(binary: str, arm: str, value: float | None, **changes: Any) -> dict[str, Any]:
    """Return one row of samples: a memray peak of the first replicate unless told otherwise."""
    row = {
        "run_id": "r1",
        "binary": binary,
        "binary_sha256": "ab" * 32,
        "arm": arm,
        "source": "dwarf",
        "probe": "memray",
        "replicate": 1,
        "order": 1,
        "status": "ok",
        "metric": "heap_peak_memray",
        "unit": "byte",
        "value": value,
    }
    return {**row, **changes}


Tried = dict[int, list[str]]
"""What became of the attempts at some memory limits, in MiB; 0 is none."""


def limited(options: LimitOptions, binary: str = "lib.so", **tried: Tried) -> Frames:
    """Return a run over one binary whose arms were tried under memory limits.

    Each process was charged for 12 MiB at its peak: 10 MB of private memory when the pipeline
    began, and 0.5 MB more than the heap that it held then.
    """
    place = {"run_id": "r1", "binary": binary, "source": "dwarf", "backend": options.backend}
    attempts = [
        {**place, "arm": arm, "order": order, "limit_bytes": at * MIB, "outcome": one}
        | {"peak_bytes": 12 * MIB, "wall_s": 0.5, "detail": "it burst"}
        for arm, limits in tried.items()
        for order, (at, one) in enumerate((at, one) for at in limits for one in limits[at])
    ]
    bare = [
        sample(binary, arm, size, metric=metric, probe="bare")
        for arm, growth in zip(ARMS, (4.5e6, 1.5e6), strict=True)
        for metric, size in (("rss_peak", 3e7), ("rss_growth", growth), ("private_start", 1e7))
    ]
    heap = [
        sample(binary, arm, size, metric="heap_peak", probe="peak")
        for arm, size in zip(ARMS, (4e6, 1e6), strict=True)
    ]
    said = manifest(
        [{"name": binary}],
        options={
            "arms": [{"name": arm, "pipeline": f"harness.pipelines.{arm}:run"} for arm in ARMS],
            "sources": ["dwarf"],
            "memory_limits": to_builtins(options),
        },
    )
    return Frames.build(said, samples=pd.DataFrame(heap + bare), attempts=pd.DataFrame(attempts))


def peaks(binary: str, legacy: Sequence[float], streaming: Sequence[float]) -> list[dict[str, Any]]:
    """Return one peak per replicate for both arms."""
    return [
        sample(binary, arm, value, replicate=number)
        for arm, values in zip(ARMS, (legacy, streaming), strict=True)
        for number, value in enumerate(values, start=1)
    ]


def failure(binary: str, arm: str, status: str = "crashed", **changes: Any) -> dict[str, Any]:
    """Return the row of one replicate that failed."""
    empty = {"status": status, "metric": "", "unit": "", **changes}
    return sample(binary, arm, None, **empty)


def delivery(binary: str, arm: str, digest: str = "d1", **changes: Any) -> dict[str, Any]:
    """Return one row of deliveries."""
    row = {
        "run_id": "r1",
        "binary": binary,
        "arm": arm,
        "source": "dwarf",
        "status": "ok",
        "digest": digest,
        "scopes": 10,
    }
    return {**row, **changes}


def batch(binary: str, number: int, overshoot_bytes: int, **changes: Any) -> dict[str, Any]:
    """Return one batch of the streaming arm, flushed past a threshold of 2 MiB."""
    threshold_bytes = 2 * 1024 * 1024
    row = {
        "run_id": "r1",
        "binary": binary,
        "arm": "streaming",
        "source": "dwarf",
        "replicate": 1,
        "batch_num": number,
        "scopes": 100,
        "functions": 100,
        "raw_bytes": 20 * threshold_bytes,
        "payload_bytes": threshold_bytes + overshoot_bytes,
        "threshold_bytes": threshold_bytes,
        "overshoot_bytes": overshoot_bytes,
        "final": False,
        "probe": "memray",
        "at_s": float(number),
    }
    return {**row, **changes}


def frames(
    samples: Iterable[dict[str, Any]] = (),
    verified: Iterable[str] = (),
    **tables: Iterable[dict[str, Any]],
) -> Frames:
    """Return frames of these rows; both arms of each `verified` binary delivered the same."""
    samples = list(samples)
    failures = [{"detail": "", **row} for row in samples if row["status"] != "ok"]
    deliveries = [delivery(binary, arm) for binary in verified for arm in ARMS]
    rows = {"samples": samples, "failures": failures, "deliveries": deliveries, **tables}
    made = {name: pd.DataFrame(list(given)) for name, given in rows.items()}
    return Frames.build(manifest(), **made)
