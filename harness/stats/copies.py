"""What is alive at the peak: by stage, by source line, and which whole copies of a payload."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pandas as pd
from msgspec import Struct

from harness.records import CALL

# Memory of these stages is the payload itself, in one form or another. A compressor's state is not.
PAYLOAD_STAGES = ("JSON", "multipart")
MOST_LINES = 12
_WHOLE = 0.5
_CASE = ["source", "binary", "arm"]


class Copy(Struct, frozen=True):
    """One place in the source that holds at least half a payload; `copies` in payloads."""

    location: str
    copies: float


class Held(Struct, frozen=True):
    """The whole copies of one arm at its peak, largest first; none is what streaming promises."""

    binary: str
    source: str
    arm: str
    copies: tuple[Copy, ...]

    @property
    def total(self) -> float:
        """How many payloads they come to."""
        return sum(copy.copies for copy in self.copies)


def held_copies(copies: pd.DataFrame) -> list[Held]:
    """Return what each arm holds over each binary and source, of its first replicate."""
    if copies.empty:
        return []
    first = first_replicates(copies)
    # What of a callable's memory is its output, only its author could say.
    own = first[first["stage"].isin(PAYLOAD_STAGES) | (first["source"] == CALL)]
    sums = own.groupby([*_CASE, "location"])["copies"].sum()
    whole = sums[sums >= _WHOLE].sort_values(ascending=False, kind="stable")
    places: dict[tuple[str, ...], list[Copy]] = {}
    for (*case, location), count in whole.items():
        places.setdefault(tuple(case), []).append(Copy(location, count))
    return [
        Held(str(binary), str(source), str(arm), tuple(places.get((source, binary, arm), ())))
        for source, binary, arm in first.groupby(_CASE).groups
    ]


def first_replicates(copies: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the first replicate of each arm over each binary and source."""
    return copies[copies["replicate"] == copies.groupby(_CASE)["replicate"].transform("min")]


class Line(Struct, frozen=True):
    """One source line and what it holds; `copies` is in payloads, the largest batch's JSON."""

    stage: str
    location: str
    held_bytes: int
    copies: float


class Holdings(Struct, frozen=True):
    """One arm's peak taken apart.

    `stages` add up to `total_bytes`, and so do `lines`: those past the first `MOST_LINES` are one,
    without a stage, of which nothing is told in payloads.
    """

    total_bytes: int
    stages: tuple[tuple[str, int], ...]
    lines: tuple[Line, ...]


def holdings_by_arm(copies: pd.DataFrame) -> dict[str, Holdings]:
    """Return what each arm holds in its first replicate, over one binary and source."""
    if copies.empty:
        return {}
    rows: dict[str, dict[int, list[tuple[Any, ...]]]] = {}
    columns = ("arm", "replicate", "stage", "location", "bytes", "copies")
    for arm, replicate, *row in zip(*(copies[name].tolist() for name in columns), strict=True):
        rows.setdefault(str(arm), {}).setdefault(replicate, []).append(tuple(row))
    return {
        arm: _holdings(by_replicate[min(by_replicate)])
        for arm, by_replicate in sorted(rows.items())
    }


def _holdings(rows: Iterable[tuple[Any, ...]]) -> Holdings:
    """Add up in plain dictionaries: grouping a table takes longer than going through its rows."""
    stages: Counter[str] = Counter()
    places: dict[tuple[str, str], list[float]] = {}
    for stage, location, held, copies in rows:
        stages[stage] += held
        place = places.setdefault((stage, location), [0, 0.0])
        place[0] += held
        place[1] += copies
    largest = sorted(places.items(), key=lambda place: -place[1][0])[:MOST_LINES]
    ordered = sorted(stages, key=lambda stage: (-stages[stage], stage))
    total = sum(stages.values())
    lines = tuple(
        Line(stage, location, int(held), float(copies))
        for (stage, location), (held, copies) in largest
    )
    rest = int(total) - sum(line.held_bytes for line in lines)
    return Holdings(
        total_bytes=int(total),
        stages=tuple((stage, int(stages[stage])) for stage in ordered),
        lines=(*lines, Line("", "all other lines", rest, math.nan)) if rest else lines,
    )
