"""`harness sweep`: what does the flush threshold cost in memory, batches, overshoot and time?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from harness.cli.options import Fields, Json, Quiet, Verbose, command_line, with_options
from harness.cli.output import error_console, output_console, write_json
from harness.cli.run_view import RunView
from harness.config import CORPUS, ONE_PIPELINE, SWEEP, PipelineOptions, RunOptions, SweepOptions
from harness.corpus import Arrivals, binaries_of, resolve
from harness.loading import load_frames
from harness.reports.sweep import print_sweep, sweep_document
from harness.run.extensions import arms_by_name
from harness.run.request import aside_of, request_of, sweep_arms
from harness.run.session import run_session
from harness.stats.answered import refuse_losses, refuse_nothing
from harness.stats.limits import found_limits, refuse_unknown, way_out
from harness.stats.sweep import budget_of, refuse_beyond, sweep_points


@with_options
def sweep(  # noqa: PLR0913 - every parameter is an option of the command
    corpus: Annotated[Path, typer.Argument(help="A directory or one ELF file.")] = CORPUS,
    *,
    pipeline: Annotated[str, typer.Option(help="The pipeline to sweep.")] = ONE_PIPELINE,
    within: Annotated[SweepOptions, Fields("budget")],
    options: Annotated[RunOptions, Fields("fresh", "results")] = SWEEP,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run one pipeline with thresholds from 64 KiB to 8 MiB over every binary of CORPUS.

    The packages come from the cache, so this is the pipeline alone.
    """
    heap_bytes, limits = budget_of(within.budget)
    view = RunView(error_console(), quiet_rows=True, quiet=quiet, verbose=verbose)
    with closing(resolve(corpus)) as found, view:
        (arm,) = arms_by_name([pipeline])
        arms = sweep_arms(arm, PipelineOptions())
        request = request_of(options, arms, PipelineOptions(), command_line(), kind="sweep")
        request = structs.replace(
            request, binaries=binaries_of(found), memory_limits=limits, aside=aside_of(request)
        )
        run_dir = run_session(request, view, Arrivals(found, say=view.say))
    frames = load_frames(run_dir)
    refuse_nothing(frames, told=not quiet)
    points = sweep_points(frames)
    if json:
        write_json(sweep_document(points, frames.manifest, heap_bytes))
    else:
        print_sweep(points, frames.manifest, output_console(), heap_bytes)
    refuse_losses(frames)
    refuse_unknown(found_limits(frames), told=not quiet)
    if within.budget is not None:
        remedy = "raise the budget or change the pipeline"
        if limits is not None:
            remedy = way_out(frames, *limits.under_bytes)
        refuse_beyond(points, heap_bytes, within.budget, remedy)
