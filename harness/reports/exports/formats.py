"""Which formats there are: a name, a function from measurements to bytes, what it can hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from io import BytesIO

import pandas as pd
from msgspec import Struct

from harness.errors import ConfigError, MeasurementInvalid
from harness.reports.exports import bencher, github_action, go_benchmark, otava
from harness.reports.exports.measurements import COLUMNS, measurements_of, tracked
from harness.stats.frames import Frames
from harness.stats.metrics import Metrics


class Format(Struct, frozen=True):
    """How one format is written, and what it can hold.

    `several_runs` says whether runs can be told apart in it. `every_metric` formats name the probe
    of each value, so they take all values; the others take what is compared. `left_out` names what
    the format cannot hold.
    """

    name: str
    render: Callable[[pd.DataFrame], bytes]
    several_runs: bool = False
    every_metric: bool = False
    binary: bool = False
    left_out: Callable[[pd.DataFrame], list[str]] | None = None

    def refuse(self, runs: int) -> None:
        """Refuse more runs than can be told apart.

        Raises:
            ConfigError: There are.
        """
        if runs > 1 and not self.several_runs:
            raise ConfigError(
                f"{self.name} cannot tell runs apart", remedy="export one run, or a pool of them"
            )

    def select(self, runs: Sequence[Frames], metrics: Collection[str] = ()) -> pd.DataFrame:
        """Return the measurements of some runs that go into this format.

        Without `metrics`, of all that are compared, or all that there are.

        Raises:
            ConfigError: Nothing measured a metric, or several probes took it.
            MeasurementInvalid: There is nothing to export.
        """
        table = pd.concat(map(measurements_of, runs), ignore_index=True)
        unknown = sorted(set(metrics) - set(table["metric"]))
        if unknown:
            raise ConfigError(f"nothing measured {unknown[0]!r}")
        if not self.every_metric:
            table = tracked(table, Metrics(*(run.manifest for run in runs)), metrics)
        elif metrics:
            table = table[table["metric"].isin(list(metrics))]
        if table.empty:
            raise MeasurementInvalid(
                "there is nothing to export",
                remedy="no replicate succeeded, or no metric has this name",
            )
        return table


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
            remedy="python -m pip install 'heapharness[parquet]'",
        ) from error
    return target.getvalue()


FORMATS = {
    one.name: one
    for one in (
        Format("bencher", bencher.render),
        Format("github-action-benchmark", github_action.render),
        Format("go-benchmark", go_benchmark.render, several_runs=True),
        Format("otava", otava.render, several_runs=True, left_out=otava.incomplete),
        Format("csv", _render_csv, several_runs=True, every_metric=True),
        Format("parquet", _render_parquet, several_runs=True, every_metric=True, binary=True),
    )
}
