"""`harness export`: hand what was measured to other people's tools."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import typer
from rich.text import Text

from harness.cli.output import error_console
from harness.errors import ConfigError, MeasurementInvalid
from harness.loading import load_frames
from harness.reports.exports.formats import FORMATS
from harness.reports.exports.measurements import measurements_of, tracked
from harness.stats.frames import Frames
from harness.stats.labels import inert
from harness.stats.metrics import Metrics

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
        typer.Option(help="Only this metric; repeat it. Without: all that compare would compare."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="A file; without, standard output.", metavar="FILE")
    ] = None,
) -> None:
    """Write the values of RUN in another format; replicates that failed are not values.

    bencher, github-action-benchmark and otava get the median of each metric, the others every
    replicate. csv and parquet get all metrics of all probes.
    """
    chosen = FORMATS[format_name]
    if len(runs) > 1 and not chosen.several_runs:
        raise ConfigError(
            f"{format_name} cannot tell runs apart", remedy="export one run, or a pool of them"
        )
    if chosen.binary and output is None and sys.stdout.isatty():
        raise ConfigError(f"{format_name} is not for terminals", remedy="give --output FILE")
    measurements, declared = _read(runs)
    if metric or not chosen.every_metric:
        measurements = _chosen(measurements, declared, metric, any_probe=chosen.every_metric)
    if measurements.empty:
        raise MeasurementInvalid(
            "there is nothing to export", remedy="no replicate succeeded, or no metric is so called"
        )
    for name in chosen.left_out(measurements) if chosen.left_out else ():
        _say(f"left out: {name}, which not every run has")
    _write(chosen.render(measurements), output)


def _read(runs: Sequence[Path]) -> tuple[pd.DataFrame, Metrics]:
    found, manifests = [], []
    for path in runs:
        frames = load_frames(path)
        for warning in frames.warnings:
            _say(f"warning: {warning}")
        _say_what_is_missing(path, frames)
        found.append(measurements_of(frames))
        manifests.append(frames.manifest)
    return pd.concat(found, ignore_index=True), Metrics(*manifests)


def _chosen(
    measurements: pd.DataFrame,
    declared: Metrics,
    metrics: list[str] | None,
    *,
    any_probe: bool,
) -> pd.DataFrame:
    unknown = sorted(set(metrics or ()) - set(measurements["metric"]))
    if unknown:
        raise ConfigError(f"nothing measured {unknown[0]!r}")
    if any_probe:
        return measurements[measurements["metric"].isin(metrics or [])]
    return tracked(measurements, declared, metrics or ())


def _say_what_is_missing(path: Path, frames: Frames) -> None:
    state = frames.manifest.state
    if state != "complete":
        _say(f"warning: {path} is {state or 'of unknown state'}, not complete")
    failed = frames.samples.loc[frames.samples["status"] != "ok", "status"]
    if len(failed):
        kinds = ", ".join(f"{count} {kind}" for kind, count in failed.value_counts().items())
        _say(f"left out: {len(failed)} replicates of {path} that failed ({kinds})")


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
