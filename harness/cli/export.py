"""`harness export`: hand what was measured to other people's tools."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli.options import MetricNames, RunDirs
from harness.cli.output import STANDARD_OUTPUT, say, whole_file
from harness.errors import ConfigError
from harness.loading import load_frames
from harness.reports.exports.formats import FORMATS
from harness.reports.exports.measurements import iter_remarks

FormatName = Literal[
    "bencher", "github-action-benchmark", "go-benchmark", "otava", "csv", "parquet"
]


def export(
    runs: RunDirs,
    *,
    format_name: Annotated[
        FormatName, typer.Option("--format", help="What to write.", show_default=False)
    ],
    metric: MetricNames = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write. Default: standard output.", metavar="FILE")
    ] = None,
) -> None:
    """Write the values of RUN in another format; replicates that failed are not values.

    bencher, github-action-benchmark and otava get the median of each metric, the others every
    replicate. csv and parquet get all metrics of all probes.
    """
    chosen = FORMATS[format_name]
    chosen.refuse(len(runs))
    if chosen.binary and output is None and sys.stdout.isatty():
        raise ConfigError(f"{format_name} is not for terminals", remedy="give --output FILE")
    frames = list(map(load_frames, runs))
    for line in iter_remarks(frames):
        say(line)
    measurements = chosen.select(frames, metric or ())
    for name in chosen.left_out(measurements) if chosen.left_out else ():
        say(f"left out: {name}, which not every run has")
    with whole_file(str(output or STANDARD_OUTPUT), runs[0]) as file:
        file.write(chosen.render(measurements))
