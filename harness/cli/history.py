"""`harness history`: when did a metric change, over many runs, and at which commit?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Json, MetricNames
from harness.cli.output import output_console, print_files, warn, write_json
from harness.config import HISTORY
from harness.errors import ConfigError
from harness.loading import iter_complete
from harness.publishing import draw_history
from harness.reports.history import print_history
from harness.stats.trends import HistoryDocument, trends_of


def history(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs, or directories of runs.", show_default=False)
    ],
    *,
    metric: MetricNames = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show what did not change too.")
    ] = False,
    output: Annotated[Path, typer.Option(help="Where the pictures go.")] = HISTORY,
    json: Json = False,
) -> None:
    """Follow every metric of every experiment over RUNS, in the order of their start.

    For an exact metric, every change of its value is reported with the commit; for others, shifts
    of the level are separated from noise. A change of Python, memray, the binary or the options is
    a declared break and no regression; for times and RSS, so is another machine.
    """
    frames = list(iter_complete(runs, warn))
    trends = trends_of(frames, metric or ())
    if not trends:
        asked = ", ".join(metric or ()) or "of the known metrics"
        raise ConfigError(f"no run measured any {asked}", remedy="name other metrics or runs")
    pictures = draw_history(trends, output)
    if json:
        write_json(HistoryDocument(trends=trends, files=pictures))
    else:
        print_history(trends, len(frames), output_console(), everything=everything)
        print_files(pictures)
