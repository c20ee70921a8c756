"""Live heap over time with few enough points to draw in small, and its peak still in it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

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
    looks = Counter(timeline["probe"].tolist())
    chosen = probe if probe in looks else min(looks, key=lambda p: (-looks[p], p))
    mine = timeline[timeline["probe"] == chosen]
    return [Curve(str(arm), chosen, _thinned(rows)) for arm, rows in mine.groupby("arm")]


def _thinned(looks: pd.DataFrame) -> tuple[tuple[float, int], ...]:
    """Keep of the first replicate the lowest and highest point of each stretch, and both ends."""
    replicate, at_s, heap = (looks[name].to_numpy() for name in ("replicate", "at_s", "heap_bytes"))
    own = np.flatnonzero(replicate == replicate.min())
    own = own[np.argsort(at_s[own].astype(float), kind="stable")]
    at_s, heap = at_s[own].astype(float), heap[own].astype("int64")
    stretch = np.floor(at_s / max(at_s[-1], 1e-9) * BUCKETS)
    begins = [0, *(np.flatnonzero(np.diff(stretch)) + 1), len(heap)]
    kept = {0, len(heap) - 1}
    for start, end in pairwise(begins):
        part = heap[start:end]
        kept |= {start + int(part.argmin()), start + int(part.argmax())}
    order = sorted(kept)
    return tuple(zip(at_s[order].tolist(), heap[order].tolist(), strict=True))
