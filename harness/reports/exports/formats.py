"""Which formats there are: a name, a function from measurements to bytes, what it can hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from harness.reports.exports import bencher, github_action, go_benchmark, otava, tables
from harness.reports.exports.measurements import Measurement


class Format(Struct, frozen=True):
    """How one format is written.

    `several_runs` says whether runs can be told apart in it. `every_metric` formats name the probe
    of each value, so they take all values; the others take what is compared. `left_out` names what
    the format cannot hold.
    """

    render: Callable[[Sequence[Measurement]], bytes]
    several_runs: bool = False
    every_metric: bool = False
    binary: bool = False
    left_out: Callable[[Sequence[Measurement]], list[str]] | None = None


FORMATS = {
    "bencher": Format(bencher.render),
    "github-action-benchmark": Format(github_action.render),
    "go-benchmark": Format(go_benchmark.render, several_runs=True),
    "otava": Format(otava.render, several_runs=True, left_out=otava.incomplete),
    "csv": Format(tables.render_csv, several_runs=True, every_metric=True),
    "parquet": Format(tables.render_parquet, several_runs=True, every_metric=True, binary=True),
}
