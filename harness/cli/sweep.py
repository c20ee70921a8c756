"""`harness sweep`: what does the flush threshold cost in memory, batches, overshoot and time?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from harness.cli.options import Fields, command_line, with_options
from harness.cli.output import error_console, output_console, write_line
from harness.cli.run_view import RunView
from harness.config import CORPUS, ONE_PIPELINE, SWEEP, PipelineOptions, RunOptions
from harness.corpus import Arrivals, binaries_of, resolve
from harness.errors import GateFailed, MeasurementInvalid
from harness.loading import load_frames
from harness.reports.sweep import print_sweep, sweep_document
from harness.run.extensions import arms_by_name
from harness.run.request import request_of, sweep_arms
from harness.run.session import run_session
from harness.stats.answered import refuse_losses
from harness.stats.frames import Frames
from harness.stats.sweep import fitting, sweep_points
from harness.text import json_bytes
from harness.units import format_bytes, parse_bytes


@with_options
def sweep(
    corpus: Annotated[Path, typer.Argument(help="A directory or one ELF file.")] = CORPUS,
    *,
    pipeline: Annotated[str, typer.Option(help="The pipeline to sweep.")] = ONE_PIPELINE,
    budget: Annotated[
        str,
        typer.Option(metavar="SIZE", help="Report the largest threshold whose peak stays within."),
    ] = "",
    options: Annotated[RunOptions, Fields("results")] = SWEEP,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on standard output.")
    ] = False,
) -> None:
    """Run one pipeline with thresholds from 64 KiB to 8 MiB over every binary of CORPUS.

    The packages come from the cache, so this is the pipeline alone.
    """
    limit = parse_bytes(budget) if budget else None
    view = RunView(error_console(), quiet_rows=True)
    with closing(resolve(corpus)) as found, view:
        (arm,) = arms_by_name([pipeline])
        arms = sweep_arms(arm, PipelineOptions())
        request = request_of(options, arms, PipelineOptions(), command_line(), kind="sweep")
        request = structs.replace(request, binaries=binaries_of(found))
        run_dir = run_session(request, view, Arrivals(found, say=view.say))
    frames = load_frames(run_dir)
    _show(frames, limit, json=json)
    refuse_losses(frames)
    if limit is not None:
        _judge(frames, limit)


def _show(frames: Frames, limit: int | None, *, json: bool) -> None:
    """Print every point, and for each binary which threshold fits, if that was asked."""
    points = sweep_points(frames)
    if not points:
        raise MeasurementInvalid("the sweep measured nothing", remedy="the reasons stand above")
    if json:
        write_line(json_bytes(sweep_document(points, frames.manifest, limit)))
    else:
        print_sweep(points, frames.manifest, output_console(), limit)


def _judge(frames: Frames, limit: int) -> None:
    """Refuse to end well where no threshold keeps the budget."""
    best = fitting(sweep_points(frames), limit)
    beyond = [binary for binary, point in best.items() if point is None]
    if beyond:
        raise GateFailed(
            f"no threshold keeps {', '.join(beyond)} within {format_bytes(limit)}",
            remedy="raise the budget or change the pipeline",
        )
