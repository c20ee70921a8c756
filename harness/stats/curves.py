"""Live heap over time with few enough points to draw in small, and its peak still in it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from msgspec import Struct

BUCKETS = 120


class Curve(Struct, frozen=True):
    """Live heap of one arm under one probe; each point is seconds and bytes, in order of time."""

    arm: str
    probe: str
    points: tuple[tuple[float, int], ...]

    @property
    def peak_bytes(self) -> int:
        """The largest live heap that was seen."""
        return max(heap for _, heap in self.points)

    @property
    def seconds(self) -> float:
        """When the last look was taken."""
        return self.points[-1][0]


def curves_of(timeline: pd.DataFrame, probe: str) -> list[Curve]:
    """Return one curve per arm, of its first replicate under `probe`, over one binary and source.

    Every probe slows the run in its own way. Where this one saw nothing, it is the one that looked
    most often.
    """
    if timeline.empty:
        return []
    looks = timeline["probe"].value_counts()
    chosen = probe if probe in looks.index else str(min(looks.index, key=lambda p: (-looks[p], p)))
    mine = timeline[timeline["probe"] == chosen]
    first = mine[mine["replicate"] == mine.groupby("arm")["replicate"].transform("min")]
    return [Curve(str(arm), chosen, _thinned(points)) for arm, points in first.groupby("arm")]


def _thinned(points: pd.DataFrame) -> tuple[tuple[float, int], ...]:
    """Keep the lowest and the highest point of each stretch of time, and both ends."""
    points = points.sort_values("at_s", kind="stable").reset_index(drop=True)
    at_s, heap = points["at_s"].astype(float), points["heap_bytes"].astype("int64")
    stretch = np.floor(at_s / max(at_s.iloc[-1], 1e-9) * BUCKETS)
    grouped = heap.groupby(stretch)
    kept = sorted({0, len(points) - 1, *grouped.idxmin(), *grouped.idxmax()})
    return tuple(zip(at_s.iloc[kept].tolist(), heap.iloc[kept].tolist(), strict=True))
