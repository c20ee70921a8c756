"""What is alive at the peak of one case, by stage and by the source line that allocated it."""

from __future__ import annotations

import pandas as pd
from msgspec import Struct

from harness.stats.copies import first_replicates

MOST_LINES = 12


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
