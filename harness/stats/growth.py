"""Which lines hold more at a peak than they did: one arm against another, or one run's.

A line is told by its file, its function and what stands there, so it is the same one where lines
were put in above it, and in a checkout elsewhere: files are named from their package or root on.
"""

from __future__ import annotations

import re

import pandas as pd
from msgspec import Struct

_PLACE = re.compile(r"(?P<file>.*):(?P<line>\d+) (?P<function>.*)")

_MOST_GROWN = 5

_Key = tuple[str, str, str]


class LineChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one line holds at two peaks; `location` is that of the candidate where it has one.

    The larger of the two is as much as so many outputs (of an upload: JSON of the largest batch) as
    `copies` says, and so many inputs as `inputs` says; 0 where their size is not known.
    """

    location: str
    code: str
    baseline_bytes: int
    candidate_bytes: int
    copies: float
    inputs: float

    @property
    def grown_bytes(self) -> int:
        """How much more the candidate holds."""
        return self.candidate_bytes - self.baseline_bytes

    @property
    def most_bytes(self) -> int:
        """The larger of the two."""
        return max(self.baseline_bytes, self.candidate_bytes)


class _Side(Struct):
    """What one side holds by a line."""

    location: str = ""
    held_bytes: int = 0
    copies: float = 0.0
    inputs: float = 0.0


def line_changes(baseline: pd.DataFrame, candidate: pd.DataFrame) -> list[LineChange]:
    """Return every line that either side holds something by, the largest first.

    Each side is one replicate in a run's table `copies`.
    """
    old, new = _by_line(baseline), _by_line(candidate)
    found = []
    for key in {**new, **old}:
        before, after = old.get(key, _Side()), new.get(key, _Side())
        found.append(
            LineChange(
                location=after.location or before.location,
                code=key[2],
                baseline_bytes=before.held_bytes,
                candidate_bytes=after.held_bytes,
                copies=max(before.copies, after.copies),
                inputs=max(before.inputs, after.inputs),
            )
        )
    return sorted(found, key=lambda one: (-one.most_bytes, one.location))


def grown_lines(baseline: pd.DataFrame, candidate: pd.DataFrame) -> list[LineChange]:
    """Return the lines that hold more than they did, by how much, as many as one can read.

    Nothing is known where a side was not traced: then there are none.
    """
    if baseline.empty or candidate.empty:
        return []
    grown = [one for one in line_changes(baseline, candidate) if one.grown_bytes > 0]
    return sorted(grown, key=lambda one: -one.grown_bytes)[:_MOST_GROWN]


def _by_line(rows: pd.DataFrame) -> dict[_Key, _Side]:
    found: dict[_Key, _Side] = {}
    columns = (rows[name].tolist() for name in ("location", "code", "bytes", "copies", "inputs"))
    for location, code, held, copies, inputs in zip(*columns, strict=True):
        place = _PLACE.fullmatch(location)
        key = (place["file"], place["function"], code) if place and code else (location, "", code)
        side = found.setdefault(key, _Side())
        side.location = side.location or location
        side.held_bytes += held
        side.copies += copies
        side.inputs += inputs
    return found
