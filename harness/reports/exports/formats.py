"""Which formats there are: a name, a function from measurements to bytes, what it can hold."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pandas as pd
from msgspec import Struct

from harness.errors import ConfigError
from harness.reports.exports import bencher, github_action, go_benchmark, otava
from harness.reports.exports.measurements import COLUMNS


class Format(Struct, frozen=True):
    """How one format is written.

    `several_runs` says whether runs can be told apart in it. `every_metric` formats name the probe
    of each value, so they take all values; the others take what is compared. `left_out` names what
    the format cannot hold.
    """

    render: Callable[[pd.DataFrame], bytes]
    several_runs: bool = False
    every_metric: bool = False
    binary: bool = False
    left_out: Callable[[pd.DataFrame], list[str]] | None = None


def _render_csv(table: pd.DataFrame) -> bytes:
    """Return CSV as RFC 4180 has it but for the line ends; values are exact."""
    text: str = table[COLUMNS].to_csv(index=False, lineterminator="\n")
    return text.encode()


def _render_parquet(table: pd.DataFrame) -> bytes:
    target = BytesIO()
    try:
        table[COLUMNS].to_parquet(target, index=False)
    except ImportError as error:
        raise ConfigError(
            "Parquet needs pyarrow, which is not installed",
            remedy="python -m pip install 'harness[parquet]'",
        ) from error
    return target.getvalue()


FORMATS = {
    "bencher": Format(bencher.render),
    "github-action-benchmark": Format(github_action.render),
    "go-benchmark": Format(go_benchmark.render, several_runs=True),
    "otava": Format(otava.render, several_runs=True, left_out=otava.incomplete),
    "csv": Format(_render_csv, several_runs=True, every_metric=True),
    "parquet": Format(_render_parquet, several_runs=True, every_metric=True, binary=True),
}
