"""Measurements of which every value is known."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.records import Manifest
from harness.stats.metrics import Metrics


def measured(value: float, **changes: Any) -> dict[str, Any]:
    """Return one row: a peak of streaming over libelf, in the first replicate unless told."""
    fields = {
        "run_id": "r1",
        "started_at": "2026-01-01T10:00:00+00:00",
        "commit": "c0ffee",
        "binary": "libelf",
        "binary_sha256": "ab" * 32,
        "source": "replay",
        "arm": "streaming",
        "probe": "memray",
        "replicate": 0,
        "metric": "heap_peak_memray",
        "unit": "byte",
    }
    whole = {**fields, **changes}
    metric = Metrics(Manifest())[whole["metric"]]
    return {**whole, "value": value, "exact": metric.exact, "better": metric.better}


WALL: dict[str, Any] = {"metric": "wall", "unit": "second", "probe": "bare"}
RSS: dict[str, Any] = {"metric": "rss_peak", "unit": "byte", "probe": "bare"}
LEGACY: dict[str, Any] = {"arm": "legacy"}

RUN = pd.DataFrame(
    [
        *(measured(4096.0, replicate=number) for number in range(3)),
        *(
            measured(value, replicate=number, **WALL)
            for number, value in enumerate((0.25, 0.5, 0.375))
        ),
        *(measured(8192.0, replicate=number, **RSS) for number in range(3)),
        *(measured(9001.0 + number, replicate=number, **LEGACY) for number in range(2)),
        measured(7.0, binary="odd name/50%-8", metric="heap_peak_gc", probe="gc"),
    ]
)
LATER = pd.DataFrame(
    [
        measured(5000.0, run_id="r2", commit="", started_at="2026-01-02T10:00:00+00:00"),
        measured(0.5, run_id="r2", commit="", started_at="2026-01-02T10:00:00+00:00", **WALL),
    ]
)
BOTH = pd.concat([RUN, LATER], ignore_index=True)
