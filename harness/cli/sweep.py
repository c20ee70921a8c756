"""`harness sweep`: what does the flush threshold cost in memory, batches, overshoot and time?"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.text import Text

from harness.cli.binaries import await_binary, binaries_of
from harness.cli.console import error_console, output_console, write_line
from harness.cli.run_view import RunView
from harness.config import PipelineOptions
from harness.corpus import resolve
from harness.errors import GateFailed, MeasurementInvalid
from harness.run.extensions import arms_by_name
from harness.run.request import RunRequest
from harness.run.scaling import sweep_arms
from harness.run.session import run_session
from harness.units import format_bytes, parse_bytes

if TYPE_CHECKING:  # loads pandas, for which a sweep need not wait before it begins
    from harness.stats.sweep import SweepPoint

_PROBES = ("memray", "bare")
_SOURCE = "replay"


def sweep(
    corpus: Annotated[Path, typer.Argument(help="A directory or one ELF file.")] = Path("corpus"),
    *,
    pipeline: Annotated[str, typer.Option(help="The pipeline to sweep.")] = "streaming",
    budget: Annotated[
        str,
        typer.Option(metavar="SIZE", help="Name the largest threshold whose peak stays within."),
    ] = "",
    results: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("results/runs"),
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
        view.wait_for = lambda name: await_binary(found, name)
        (arm,) = arms_by_name([pipeline])
        request = RunRequest(
            binaries=binaries_of(found),
            arms=sweep_arms(arm, PipelineOptions()),
            results=results,
            probes=_PROBES,
            sources=(_SOURCE,),
            replicates=dict.fromkeys(_PROBES, 1),
            command=["python", "-m", "harness", *sys.argv[1:]],
            kind="sweep",
        )
        run_dir = run_session(request, view)
    points = _read_points(run_dir)
    if not points:
        raise MeasurementInvalid("the sweep measured nothing", remedy="the reasons stand above")
    if json:
        write_line(msgspec.json.encode(points))
    else:
        from harness.reports.sweep import print_sweep  # noqa: PLC0415 - see above

        print_sweep(points, output_console())
    if limit is not None:
        _answer(points, limit)


def _read_points(run_dir: Path) -> list[SweepPoint]:
    from harness.stats.frames import Frames  # noqa: PLC0415 - see above
    from harness.stats.sweep import sweep_points  # noqa: PLC0415
    from harness.store import load  # noqa: PLC0415

    return sweep_points(Frames.of(load(run_dir)))


def _answer(points: list[SweepPoint], limit: int) -> None:
    """Say, for every binary, which threshold fits; a binary that none fits fails the command."""
    from harness.stats.sweep import largest_within  # noqa: PLC0415 - see above

    console = error_console()
    beyond = []
    for binary in dict.fromkeys(point.binary for point in points):
        best = largest_within([point for point in points if point.binary == binary], limit)
        if best is None:
            beyond.append(binary)
            continue
        fits = f"{format_bytes(best.threshold_bytes)} fits, at a peak of"
        console.print(Text(f"{binary}: {fits} {format_bytes(best.peak_bytes)}"))
    if beyond:
        raise GateFailed(
            f"no threshold keeps {', '.join(beyond)} within {format_bytes(limit)}",
            remedy="raise the budget or change the pipeline",
        )
