"""A whole run as frames, made of a few numbers: nothing is wrong with it until a test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd
from msgspec import convert

from harness.gates.evidence import Evidence
from harness.gates.suite import Suite
from harness.records import Manifest
from harness.stats.frames import Frames
from harness.tests.stats.made import ARMS, batch, delivery, sample

BINARIES = {"a.so": 100, "b.so": 1_000, "c.so": 10_000}
"""Each binary with its number of functions."""

SHA = "ab" * 32
LEGACY, STREAMING = 4_000_000.0, 1_000_000.0
OPTIONS = {"threshold_bytes": 2 * 1024 * 1024}

Change = Callable[[dict[str, list[dict[str, Any]]]], object]


def suite(**changes: Any) -> Suite:
    """Return a suite that asks something of every built-in gate."""
    experiment = {
        "name": "quality_gate",
        "against": "legacy",
        "checks": [
            {"name": "peak", "bounds": {"series": "heap_peak", "upper_bound": "2 MiB"}},
            {"name": "reduction", "bounds": {"series": "reduction_pct", "lower_bound": 61}},
        ],
        "slope": {"upper_bound": 100},
        "copies": 0,
        "overshoot": "32 KiB",
        "gate": True,
    }
    asked = {"name": "made", "corpus": "here", "experiments": [experiment | changes]}
    return Suite.model_validate(asked)


def run(
    change: Change = lambda _: None,
    *,
    run_id: str = "r2",
    factor: float = 1.0,
    manifest: Mapping[str, Any] | None = None,
) -> Frames:
    """Return a run of two replicates over every binary, after `change` was made to its rows.

    `factor` is how much larger the peaks of streaming are than they should be.
    """
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("samples", "batches", "copies", "deliveries")
    }
    for binary, functions in BINARIES.items():
        for arm, peak in zip(ARMS, (LEGACY, float(round(factor * STREAMING))), strict=True):
            _add_arm(rows, binary, arm, peak)
            sizes = {"functions": functions, "scopes": functions, "batches": 2}
            rows["deliveries"].append({**delivery(binary, arm), **sizes})
    for row in (row for found in rows.values() for row in found):
        row["run_id"] = run_id
    change(rows)
    whole = {
        "run_id": run_id,
        "command": "python -m harness run --suite made",
        "state": "complete",
        "rig_fingerprint": "rig",
        "options": {"pipeline_options": OPTIONS, "top_up": 5, "replicates": {"peak": 2}},
    }
    tables = {name: pd.DataFrame(found) for name, found in rows.items()}
    return Frames.build(convert(whole | dict(manifest or {}), Manifest), **tables)


def evidence(
    candidate: Frames | None = None, baseline: Frames | None = None, **changes: Any
) -> Evidence:
    """Return what gates look at; without a candidate, a run that has nothing wrong with it."""
    return Evidence(
        suite=suite(**changes),
        inputs=dict.fromkeys(BINARIES, SHA),
        candidate=run() if candidate is None else candidate,
        baseline=run(run_id="r1") if baseline is None else baseline,
    )


def _add_arm(rows: dict[str, list[dict[str, Any]]], binary: str, arm: str, peak: float) -> None:
    for replicate in (0, 1):
        place = {"replicate": replicate, "order": replicate}
        for probe, metric in (("peak", "heap_peak"), ("memray", "heap_peak_memray")):
            measured = {"probe": probe, "metric": metric, "binary_sha256": SHA, **place}
            rows["samples"].append(sample(binary, arm, peak, **measured))
        rows["copies"].append(_held(binary, arm, replicate, peak))
        for number, past in ((1, 20_000), (2, -500_000)):
            rows["batches"].append(
                batch(binary, number, past, arm=arm, replicate=replicate, final=number == 2)
            )


def _held(binary: str, arm: str, replicate: int, peak: float) -> dict[str, Any]:
    case = {"run_id": "r1", "binary": binary, "arm": arm, "source": "dwarf"}
    place = {"stage": "scope tree", "location": "pipeline.py:1 run", "code": "scopes = []"}
    held = {"bytes": int(peak), "copies": 0.1, "inputs": 0.0}
    return {**case, **place, "replicate": replicate, **held}


def rows_where(rows: Iterable[dict[str, Any]], **wanted: Any) -> list[dict[str, Any]]:
    """Return the rows that have all of these values."""
    return [row for row in rows if wanted.items() <= row.items()]
