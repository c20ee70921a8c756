"""`harness limit`: under which memory limit does each pipeline still deliver?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from harness.arms.calls import pipelines_of
from harness.cli.options import Fields, Json, Quiet, Verbose, command_line, is_given, with_options
from harness.cli.output import error_console, output_console, write_json
from harness.cli.run_view import RunView
from harness.config import (
    CORPUS,
    LIMIT,
    MEASURED_OPTIONS,
    LimitOptions,
    PipelineOptions,
    RunOptions,
    SymbolOptions,
)
from harness.corpus import Arrivals, binaries_of, resolve
from harness.errors import ConfigError, GateFailed
from harness.limits.edge import SURVIVED
from harness.limits.found import Found
from harness.pipelines.compressors import at_default_level
from harness.reports.limit import LimitDocument, print_limits
from harness.run.request import request_of
from harness.run.resume import resume_session
from harness.run.session import run_session
from harness.text import listed
from harness.units import format_bytes

_MOST_NAMED = 10


@with_options
def limit(  # noqa: PLR0913 - every parameter is an option of the command
    context: typer.Context,
    corpus: Annotated[Path, typer.Argument(help="A directory or one ELF file.")] = CORPUS,
    *,
    search: Annotated[LimitOptions, Fields("under_bytes", "grain_bytes", "replicates", "backend")],
    options: Annotated[
        RunOptions, Fields("arms", "sources", "seed", "env", "timeout_s", "fresh", "results")
    ] = LIMIT,
    pipeline: Annotated[PipelineOptions, Fields(*MEASURED_OPTIONS)],
    symbols: Annotated[SymbolOptions, Fields("debug_dirs", "limits")],
    resume: Annotated[
        Path | None, typer.Option(help="Continue this interrupted run.", metavar="RUN")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find the smallest memory limit under which each arm still delivers each binary of CORPUS.

    Every attempt is a real process under a limit of the kernel, and a stored record. It survived
    when the intake has everything, and was killed when the kernel says so. The limit of --under is
    tried more than once where --replicates is given.

    Exit codes: 0 every limit is known; 2 no binary can be read, or nothing can limit memory here;
    3 the last arm does not survive the limit of --under; 4 something that was asked for is not
    known: a binary was rejected, or an attempt failed for another reason than the limit; 130
    interrupted, and what was found is kept for --resume.
    """
    if search.under_bytes:
        search = _trying_once(search, context)
    view = RunView(error_console(), quiet_rows=True, resumable=True, quiet=quiet, verbose=verbose)
    with closing(resolve(corpus)) as files, view:
        arms = pipelines_of(options.arms)
        piped = at_default_level(pipeline)
        request = request_of(options, arms, piped, command_line(), kind="limit")
        request = structs.replace(
            request, binaries=binaries_of(files), symbol_options=symbols, memory_limits=search
        )
        arrivals = Arrivals(files, say=view.say)
        if resume is not None:
            run_dir = resume_session(resume, view, request, arrivals)
        else:
            run_dir = run_session(request, view, arrivals)
    from harness.loading import load_frames  # noqa: PLC0415 - pandas, which a run begins without
    from harness.stats.answered import refuse_nothing  # noqa: PLC0415 - likewise
    from harness.stats.limits import found_limits, refuse_unknown, way_out  # noqa: PLC0415 - likewise

    frames = load_frames(run_dir)
    found = found_limits(frames)
    (under_bytes,) = search.under_bytes or (None,)
    if json:
        write_json(LimitDocument(run_id=run_dir.name, under_bytes=under_bytes, found=found))
    else:
        print_limits(found, search.under_bytes, output_console())
    if under_bytes is not None:
        _refuse_killed(found, arms[-1].name, under_bytes, way_out(frames, under_bytes))
    told = not quiet and resume is None
    refuse_nothing(frames, told=told)
    again = any(one.problem and one.attempts for one in found)
    remedy = f"to try again, repeat the command with --resume {run_dir}" if again else ""
    refuse_unknown(found, told=told, remedy=remedy)


def _trying_once(search: LimitOptions, context: typer.Context) -> LimitOptions:
    """Return how the one limit is tried: once, unless it was said how often.

    Raises:
        ConfigError: A grain was given for what is not searched.
    """
    if is_given(context, "grain_bytes"):
        raise ConfigError(
            "--grain is how finely limits are searched, and --under searches none",
            remedy="leave one of them out",
        )
    return search if is_given(context, "replicates") else structs.replace(search, replicates=1)


def _refuse_killed(found: list[Found], candidate: str, limit_bytes: int, remedy: str) -> None:
    """Refuse to end well where the candidate does not survive the limit."""
    lost = [
        one
        for one in found
        if one.arm == candidate and not one.problem and one.at(limit_bytes) not in {"", SURVIVED}
    ]
    if lost:
        names = listed(dict.fromkeys(one.binary for one in lost), _MOST_NAMED)
        raise GateFailed(
            f"{candidate} does not survive {format_bytes(limit_bytes)} on {names}", remedy=remedy
        )
