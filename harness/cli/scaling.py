"""`harness scaling`: how does the peak of each pipeline grow with the size of what is uploaded?"""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from harness.arms.calls import pipelines_of
from harness.cli.options import Fields, Quiet, Verbose, command_line, with_options
from harness.cli.output import error_console, output_console, say, write_json
from harness.cli.run_view import RunView
from harness.config import SCALING, SCALING_PIPELINE, PipelineOptions, RunOptions, ScalingOptions
from harness.corpus import Arrivals, binaries_of, resolve, with_dies
from harness.errors import ConfigError, MeasurementInvalid
from harness.loading import load_frames
from harness.records import Binary
from harness.reports.scaling import ScalingDocument, print_scaling
from harness.run.request import RunRequest, prefixes, request_of
from harness.run.session import run_session
from harness.stats.answered import refuse_losses
from harness.stats.frames import Frames
from harness.stats.scaling import SIZE_COLUMNS, fit_lines, scaling_points
from harness.store.manifest import MANIFEST


@with_options
def scaling(  # noqa: PLR0913 - every parameter is an option of the command
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN_OR_BINARY...",
            help="Stored runs, which are read; ELF files, which are measured at growing prefixes; "
            "directories of ELF files, of which each whole file is measured.",
            show_default=False,
        ),
    ],
    *,
    scale: Annotated[ScalingOptions, Fields("size", "sizes")],
    options: Annotated[RunOptions, Fields("arms", "fresh", "results")] = SCALING,
    pipeline: Annotated[PipelineOptions, Fields("threshold_bytes")] = SCALING_PIPELINE,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document per run on standard output.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Fit a line to peak heap over size for each arm, with the interval of its slope.

    Packages come from the cache, so the pipeline is measured alone; a stored run is shown per
    source. The threshold is small, so that small inputs reach it too: until then the batch grows.
    """
    runs = [path for path in inputs if (path / MANIFEST).is_file()]
    others = [path for path in inputs if path not in runs]
    missing = [path for path in others if not path.exists()]
    if missing:
        raise ConfigError(
            f"{missing[0]} does not exist", remedy="name a run, an ELF file or a directory of them"
        )
    if others:
        arms = pipelines_of(options.arms)
        request = request_of(options, arms, pipeline, command_line(), kind="scaling")
        view = RunView(error_console(), quiet_rows=True, quiet=quiet, verbose=verbose)
        runs.append(_measure(request, others, scale.sizes, view))
    shown = [load_frames(path) for path in runs]
    drawn = [_show(frames, SIZE_COLUMNS[scale.size], json=json) for frames in shown]
    for frames in () if json or quiet else shown:
        say(f"results in {frames.path}")
    if others:
        refuse_losses(shown[-1])
    if not any(drawn):
        raise MeasurementInvalid(
            "no line can be drawn: it takes three inputs of different and known size",
            remedy="name more binaries, or one ELF file to be cut into prefixes",
        )


def _measure(request: RunRequest, paths: list[Path], sizes: int, view: RunView) -> Path:
    """Measure every whole binary, and the prefixes of those that were named one by one."""
    with ExitStack() as stack:
        found = {path: stack.enter_context(closing(resolve(path))) for path in paths}
        stack.enter_context(view)
        binaries: list[Binary] = []
        for path, corpus in found.items():
            wholes = list(map(with_dies, binaries_of(corpus)))
            binaries += wholes
            if path.is_file():
                binaries += prefixes(wholes[0], sizes)
        arrivals = Arrivals(*found.values(), say=view.say)
        return run_session(structs.replace(request, binaries=binaries), view, arrivals)


def _show(frames: Frames, size: str, *, json: bool) -> int:
    """Print what a run says about scaling; return how many lines could be drawn."""
    points = scaling_points(frames)
    lines = fit_lines(points, size)
    if json:
        write_json(ScalingDocument(run_id=frames.manifest.run_id, points=points, trends=lines))
    else:
        print_scaling(points, lines, size, output_console())
    return len(lines)
