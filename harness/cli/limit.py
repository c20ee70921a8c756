"""`harness limit`: under which memory limit does each pipeline still deliver?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from harness.cli.options import Fields, command_line, with_options
from harness.cli.output import error_console, output_console, write_line
from harness.cli.run_view import RunView
from harness.config import CORPUS, LIMIT, LimitOptions, PipelineOptions, RunOptions
from harness.corpus import Arrivals, binaries_of, resolve
from harness.errors import GateFailed, MeasurementInvalid
from harness.limits.edge import SURVIVED
from harness.limits.found import Found
from harness.reports.limit import LimitDocument, print_limits
from harness.run.extensions import arms_by_name
from harness.run.limit import find_limits
from harness.run.request import request_of
from harness.text import json_bytes
from harness.units import parse_bytes


@with_options
def limit(
    corpus: Annotated[Path, typer.Argument(help="A directory or one ELF file.")] = CORPUS,
    *,
    under: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            help="Try this limit alone, once; exit code 3 if the last arm does not survive it.",
        ),
    ] = "",
    search: Annotated[LimitOptions, Fields("grain_bytes", "replicates", "backend")],
    options: Annotated[RunOptions, Fields("arms", "sources", "timeout_s", "results")] = LIMIT,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on standard output.")
    ] = False,
) -> None:
    """Find the smallest memory limit under which each arm still delivers each binary of CORPUS.

    Every attempt is a real process under a limit of the kernel. It survived when the intake has
    everything, and was killed when the kernel says so.
    """
    under_bytes = parse_bytes(under) if under else 0
    view = RunView(error_console(), quiet_rows=True)
    with closing(resolve(corpus)) as files, view:
        arms = arms_by_name(options.arms)
        request = request_of(options, arms, PipelineOptions(), command_line(), kind="limit")
        request = structs.replace(request, binaries=binaries_of(files))
        arrivals = Arrivals(files, say=view.say)
        path, found = find_limits(request, search, under_bytes, view, arrivals)
    if json:
        write_line(
            json_bytes(
                LimitDocument(run_id=path.name, under_bytes=under_bytes or None, found=found)
            )
        )
    else:
        print_limits(found, output_console())
    _judge(found, arms[-1].name, under)


def _judge(found: list[Found], candidate: str, under: str) -> None:
    """Refuse to end well where something is not known, or the candidate does not survive."""
    lost = [
        one
        for one in found
        if one.arm == candidate and not one.problem and one.outcome not in {"", SURVIVED}
    ]
    if lost:
        names = ", ".join(dict.fromkeys(one.binary for one in lost))
        raise GateFailed(
            f"{candidate} does not survive {under} on {names}",
            remedy="raise the limit or change the pipeline",
        )
    for one in found:
        if one.problem:
            raise MeasurementInvalid(f"{one.arm} over {one.binary}: {one.problem}")
