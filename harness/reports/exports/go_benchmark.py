"""The Go benchmark format, which benchstat reads: one line per replicate.

`key: value` lines describe the run, `Unit` lines what is known of a unit, and a result line is a
name, a count of iterations, and pairs of value and unit. White space separates, and `/key=value`
within the name says what varies, so neither may be in a name of ours.

Source:
    golang.org/design/14313-benchmark-format; `Unit` lines: golang.org/issue/43744.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import pandas as pd

from harness.reports.exports.measurements import CASE, measure_name, plain

_PROCESS = [*CASE, "probe", "replicate"]
"""What tells the process that measured a value from the others of its run."""
_ACTIVE = re.compile(r"[\s/=%\x00-\x1f\x7f]")


def render(table: pd.DataFrame) -> bytes:
    """Return every replicate; units of exact metrics are declared so, which calls for no test."""
    return "".join(f"{line}\n" for line in _iter_lines(table)).encode()


def _iter_lines(table: pd.DataFrame) -> Iterator[str]:
    ordered = table.sort_values(["started_at", "run_id", *_PROCESS, "metric"], kind="stable")
    rows = list(ordered.itertuples(index=False))
    units = {measure_name(row.metric, row.unit): row for row in rows}
    for unit, row in sorted(units.items()):
        better = "higher" if row.better == "more" else "lower"
        yield f"Unit {_one_word(unit)} better={better} assume={'exact' if row.exact else 'nothing'}"
    for _, run in groupby(rows, key=attrgetter("run_id")):
        yield from _iter_run(list(run))


def _iter_run(rows: Sequence[Any]) -> Iterator[str]:
    first = rows[0]
    for key, value in (("run", first.run_id), ("commit", first.commit)):
        # Without a value, what another run said before would be forgotten, as it should be.
        yield f"{key}: {value}".rstrip()
    for _, process in groupby(rows, key=attrgetter(*_PROCESS)):
        yield _result(list(process))


def _result(rows: Sequence[Any]) -> str:
    parts = (f"{name}={_one_word(getattr(rows[0], name))}" for name in CASE)
    pairs: Iterable[str] = (
        f"{plain(row.value)!r} {_one_word(measure_name(row.metric, row.unit))}" for row in rows
    )
    return f"BenchmarkUpload/{'/'.join(parts)} 1 {' '.join(pairs)}"


def _one_word(text: str) -> str:
    """Return `text` with whatever has a meaning in the format as %xx, and none of it lost.

    A trailing number after a dash would be read as a count of processors.
    """
    spelt = _ACTIVE.sub(lambda found: f"%{ord(found[0]):02x}", text)
    return re.sub(r"-(?=[0-9]+$)", "%2d", spelt)
