"""What is alive at the peak: by stage, by source line, and which whole copies of a payload."""

from __future__ import annotations

import pandas as pd
from msgspec import Struct

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
    """Return what each arm holds over each binary and source, of its first replicate.

    Args:
        copies: The table of a run; a payload is the largest batch's JSON.
    """
    if copies.empty:
        return []
    first = first_replicates(copies)
    own = first[first["stage"].isin(PAYLOAD_STAGES)]
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

    `stages` add up to `total_bytes`, and so do `lines` with `rest_bytes`: all lines past the
    first `MOST_LINES` together.
    """

    total_bytes: int
    stages: tuple[tuple[str, int], ...]
    lines: tuple[Line, ...]
    rest_bytes: int


def holdings_by_arm(copies: pd.DataFrame) -> dict[str, Holdings]:
    """Return what each arm holds in its first replicate.

    Args:
        copies: The table of a run, of one binary and source.
    """
    if copies.empty:
        return {}
    return {str(arm): _holdings(rows) for arm, rows in first_replicates(copies).groupby("arm")}


def _holdings(rows: pd.DataFrame) -> Holdings:
    stages = rows.groupby("stage")["bytes"].sum().sort_values(ascending=False, kind="stable")
    places = rows.groupby(["stage", "location"], sort=False)[["bytes", "copies"]].sum()
    largest = places.sort_values("bytes", ascending=False, kind="stable").head(MOST_LINES)
    total = int(rows["bytes"].sum())
    return Holdings(
        total_bytes=total,
        stages=tuple((str(stage), int(held)) for stage, held in stages.items()),
        lines=tuple(
            Line(str(stage), str(location), int(held), float(copies))
            for (stage, location), held, copies in zip(
                largest.index, largest["bytes"], largest["copies"], strict=True
            )
        ),
        rest_bytes=total - int(largest["bytes"].sum()),
    )
