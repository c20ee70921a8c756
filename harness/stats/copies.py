"""Which whole copies of a payload are alive at the peak, and where they were made."""

from __future__ import annotations

import pandas as pd
from msgspec import Struct

# Memory of these stages is the payload itself, in one form or another. A compressor's state is not.
PAYLOAD_STAGES = ("JSON", "multipart")
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
