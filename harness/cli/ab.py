"""`harness ab`: what two callables of yours hold at their peak, side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from harness.calls import AB, arms_of, inputs_of
from harness.cli.options import Fields, command_line, with_options
from harness.cli.output import error_console
from harness.cli.run_view import RunView
from harness.config import PipelineOptions, RunOptions
from harness.errors import ConfigError
from harness.records import CALL, Call
from harness.run.request import request_of
from harness.run.session import run_session

_OFFERED = ("probes", "replicates", "seed", "timeout_s", "env", "flame", "results", "commit")


@with_options
def ab(  # noqa: PLR0913 - every parameter is an option of the command
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="OLD [NEW] [-- ARGS...]",
            help="Callables: package.module:function, imported from where you are, or "
            "path/file.py:function. Behind -- stand their arguments: literals of Python where they "
            "are any, else text; NAME=VALUE goes by keyword.",
        ),
    ],
    *,
    inputs: Annotated[
        list[Path] | None,
        typer.Option(
            "--input",
            metavar="PATH",
            help="A file whose path is the first argument, or a directory of such files; repeat "
            "it. Each file is a case of its own.",
        ),
    ] = None,
    setup: Annotated[
        str,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Call this with the same arguments before the measurement; what it returns, "
            "unless None, is what the callables get instead.",
        ),
    ] = "",
    teardown: Annotated[
        str,
        typer.Option(metavar="MODULE:FUNCTION", help="Call this likewise after the measurement."),
    ] = "",
    digest: Annotated[
        str,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Call this with what was returned; the outputs are the same if what this returns "
            "is.",
        ),
    ] = "",
    output: Annotated[
        str,
        typer.Option(
            "--output-of",
            metavar="PATH",
            help="Compare this file or directory, relative to the empty directory in which a "
            "callable runs. Without: all that it wrote there.",
        ),
    ] = "",
    options: Annotated[RunOptions, Fields(*_OFFERED)],
    report: Annotated[
        bool,
        typer.Option("--report/--no-report", help="Write pictures, report.md and report.html."),
    ] = True,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on standard output.")
    ] = False,
) -> None:
    """Measure two callables over the same arguments or files, and compare what they hold.

    Each replicate is a fresh process with one instrument. What is returned and what is written is
    compared first: no memory verdict counts before both do the same. One callable alone is measured
    and compared with nothing.

    Exit codes: 0 every row carries a verdict, good or bad; 2 something cannot be imported, called
    or read; 4 something that was asked for is lost or not known.
    """
    console = error_console()
    named, args = _split(targets)
    call = Call(args=tuple(args), setup=setup, teardown=teardown, digest=digest, output=output)
    arms = arms_of(named, call)
    request = request_of(options, arms, PipelineOptions(), command_line(), AB)
    request = structs.replace(request, binaries=inputs_of(inputs or (), call), sources=(CALL,))
    with RunView(console) as view:
        run_dir = run_session(request, view)
    from harness.cli.publish import publish  # noqa: PLC0415 - pandas, which a run begins without
    from harness.stats.answered import refuse_unanswered  # noqa: PLC0415 - likewise

    answer = publish(run_dir, run_dir if report else None, json=json, html=True)
    refuse_unanswered(answer.frames, answer.summary.rows)


def _split(given: list[str]) -> tuple[list[str], list[str]]:
    """Return the callables and their arguments: click drops the `--` between them."""
    behind = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    targets = given[: len(given) - len(behind)]
    if not 1 <= len(targets) <= 2:
        raise ConfigError(
            f"{len(targets)} callables are named: {' '.join(targets)}",
            remedy="name one or two; their arguments go behind --",
        )
    return targets, behind
