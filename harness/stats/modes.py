"""Whether the values of a metric fall into groups: then those that agree may all be in one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from statistics import median

MODES_FROM = 8
"""Of fewer values, chance makes groups too often."""

_APART = 0.01
_TIGHT = 0.25


def modes_of(values: Iterable[float]) -> tuple[float, ...]:
    """Return the median of each group, or nothing where the values are one.

    Groups lie more than 1 % of the median apart, have two values on average, and none is wider than
    a quarter of the smallest gap. Of 8 values of one normal distribution, fewer than 1 % do.
    """
    ordered = sorted(values)
    if len(ordered) < MODES_FROM:
        return ()
    groups, least = [ordered[:1]], _APART * median(ordered)
    for below, value in pairwise(ordered):
        if value - below > least:
            groups.append([])
        groups[-1].append(value)
    if not 2 <= len(groups) <= len(ordered) / 2:
        return ()
    gap = min(after[0] - before[-1] for before, after in pairwise(groups))
    widest = max(group[-1] - group[0] for group in groups)
    return tuple(map(median, groups)) if widest < _TIGHT * gap else ()
