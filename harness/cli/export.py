"""`harness export`: hand what was measured to other people's tools."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from harness.cli.output import error_console
from harness.errors import ConfigError
from harness.loading import load_frames
from harness.reports.exports.formats import FORMATS
from harness.reports.exports.measurements import iter_remarks
from harness.stats.labels import inert

FormatName = Literal[
    "bencher", "github-action-benchmark", "go-benchmark", "otava", "csv", "parquet"
]


def export(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Run directories.", show_default=False)
    ],
    *,
    format_name: Annotated[
        FormatName, typer.Option("--format", help="What to write.", show_default=False)
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="Export only this metric; can be repeated. Default: all that `compare` uses."
        ),
    ] = None,
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
        _say(line)
    measurements = chosen.select(frames, metric or ())
    for name in chosen.left_out(measurements) if chosen.left_out else ():
        _say(f"left out: {name}, which not every run has")
    _write(chosen.render(measurements), output)


def _say(line: str) -> None:
    error_console().print(Text(inert(line)))


def _write(data: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(data)
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise ConfigError(
            f"cannot write {output}: {error.strerror}", remedy="choose another file"
        ) from error
