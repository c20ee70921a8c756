"""CSV for Apache Otava: one line a run, one column a metric of a case, the oldest run first.

Its reader wants a number in every cell, so a series that one of the runs lacks is left out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from statistics import median

from harness.reports.exports.measurements import Measurement, Series, iter_series, plain

HEAD = ("time", "commit", "run_id")


def render(measurements: Sequence[Measurement]) -> bytes:
    """Return the median of each series that every run has, by run."""
    runs = _by_run(measurements)
    kept = _columns(runs)
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*HEAD, *kept])
    for (started_at, run_id, commit), columns in sorted(runs.items()):
        values = (plain(median(columns[name].values)) for name in kept)
        writer.writerow([started_at, commit, run_id, *values])
    return text.getvalue().encode()


def incomplete(measurements: Sequence[Measurement]) -> list[str]:
    """Return the columns that are left out because not every run has them."""
    runs = _by_run(measurements)
    every = {name for columns in runs.values() for name in columns}
    return sorted(every - set(_columns(runs)))


def _columns(runs: dict[tuple[str, str, str], dict[str, Series]]) -> list[str]:
    names = [set(columns) for columns in runs.values()]
    return sorted(set.intersection(*names)) if names else []


def _by_run(
    measurements: Sequence[Measurement],
) -> dict[tuple[str, str, str], dict[str, Series]]:
    """Return the columns of each run, runs by time, id and commit."""
    runs: dict[tuple[str, str, str], list[Measurement]] = {}
    for m in measurements:
        runs.setdefault((m.started_at, m.run_id, m.commit), []).append(m)
    return {run: dict(_iter_columns(found)) for run, found in runs.items()}


def _iter_columns(measurements: Sequence[Measurement]) -> Iterator[tuple[str, Series]]:
    for series in iter_series(measurements):
        yield f"{series.case.name}/{series.metric}", series
