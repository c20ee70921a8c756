"""CSV for Apache Otava: one line per run, one column per metric of a case, the oldest run first.

Its reader wants a number in every cell, so a series that one of the runs lacks is left out.
"""

from __future__ import annotations

import pandas as pd

from harness.reports.exports.measurements import CASE, plain

_RUN = {"started_at": "time", "commit": "commit", "run_id": "run_id"}


def render(table: pd.DataFrame) -> bytes:
    """Return the median of each series that every run has, by run."""
    kept = _medians(table).dropna(axis="columns").map(lambda value: str(plain(value)))
    text: str = kept.rename_axis(index=_RUN).to_csv(lineterminator="\n")
    return text.encode()


def incomplete(table: pd.DataFrame) -> list[str]:
    """Return the columns that are left out because not every run has them."""
    medians = _medians(table)
    return list(medians.columns[medians.isna().any()])


def _medians(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each run, and a column for each metric of a case."""
    first, *others = (table[name] for name in (*CASE, "metric"))
    named = table.assign(series=first.str.cat(others, sep="/"))
    return named.pivot_table("value", [*_RUN], "series", aggfunc="median")
