"""CSV for Apache Otava: one line per run, one column per metric of a case, the oldest run first.

Its reader wants a number in every cell, so a series that one of the runs lacks is left out.
"""

from __future__ import annotations

import csv
from io import StringIO
from statistics import median

import pandas as pd

from harness.reports.exports.measurements import iter_series, plain

HEAD = ("time", "commit", "run_id")


def render(table: pd.DataFrame) -> bytes:
    """Return the median of each series that every run has, by run."""
    runs = _by_run(table)
    kept = _columns(runs)
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*HEAD, *kept])
    for (started_at, run_id, commit), columns in sorted(runs.items()):
        values = (plain(median(columns[name])) for name in kept)
        writer.writerow([started_at, commit, run_id, *values])
    return text.getvalue().encode()


def incomplete(table: pd.DataFrame) -> list[str]:
    """Return the columns that are left out because not every run has them."""
    runs = _by_run(table)
    every = {name for columns in runs.values() for name in columns}
    return sorted(every - set(_columns(runs)))


def _columns(runs: dict[tuple[str, str, str], dict[str, list[float]]]) -> list[str]:
    names = [set(columns) for columns in runs.values()]
    return sorted(set.intersection(*names)) if names else []


def _by_run(table: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, list[float]]]:
    """Return the columns of each run, runs by time, id and commit."""
    return {
        (started_at, run_id, commit): {
            f"{case}/{metric}": values for case, metric, _, values in iter_series(rows)
        }
        for (started_at, run_id, commit), rows in table.groupby(["started_at", "run_id", "commit"])
    }
