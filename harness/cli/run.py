"""`harness run`: measure both pipelines over a corpus, side by side."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import structs
from rich.text import Text

from harness.arms.calls import pipelines_of
from harness.cli.fetch_progress import FetchProgress
from harness.cli.options import Fields, Json, Quiet, Verbose, command_line, is_given, with_options
from harness.cli.output import error_console
from harness.cli.run_view import RunView
from harness.config import (
    CORPUS,
    LOCAL,
    MEASURED_OPTIONS,
    PipelineOptions,
    RunOptions,
    SymbolOptions,
    Tier,
    flag_of,
)
from harness.corpus import Arrivals, binaries_of, resolve
from harness.errors import ConfigError
from harness.pipelines.compressors import at_default_level
from harness.run.limit import usual_limits
from harness.run.remote import address_of, is_url, list_binaries
from harness.run.request import RunRequest, aside_of, request_of, sharded
from harness.run.resume import is_of_units, resume_session
from harness.run.schedule import ALL_THERE, Supply
from harness.run.session import run_session
from harness.suites import corpus_of, find_suite, iter_doubts_of, narrowed, suite_names
from harness.text import counted

if TYPE_CHECKING:
    from harness.gates.suite import Suite

_LOOK_AGAIN_S = 0.2
_DECIDED_BY_SUITE = ("tier", "sources", "arms", "probes", "limits", *MEASURED_OPTIONS)


@with_options
def run(  # noqa: PLR0913 - every parameter is an option of the command
    context: typer.Context,
    corpus: Annotated[
        str,
        typer.Argument(
            help="A directory, one ELF file, or a directory called corpus that does not exist "
            "yet: then it is filled with pinned real binaries (103 MB). Or a URL: a directory, "
            "a pattern, or a manifest that ends in .json."
        ),
    ] = str(CORPUS),
    *,
    tier: Annotated[
        Tier | None, typer.Option(help="Which pinned binaries to fetch into a new directory.")
    ] = None,
    options: Annotated[RunOptions, Fields(*RunOptions.__struct_fields__)],
    pipeline: Annotated[PipelineOptions, Fields(*MEASURED_OPTIONS)],
    symbols: Annotated[SymbolOptions, Fields("debug_dirs", "limits")],
    suite: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            autocompletion=suite_names,
            help="Measure exactly what this suite needs: its binaries, arms, sources, instruments "
            "and replicates. A name (ci, default, seed) or a .toml file.",
        ),
    ] = "",
    resume: Annotated[
        Path | None, typer.Option(help="Continue this interrupted run.", metavar="RUN")
    ] = None,
    shard: Annotated[
        str,
        typer.Option(
            metavar="K/N",
            help="Measure part K of N of the binaries; `harness merge` puts the runs together.",
        ),
    ] = "",
    executor: Annotated[
        str,
        typer.Option(
            metavar="NAME[=ADDRESS]",
            help="Who measures the binaries: local, dask (processes of this machine), or "
            "dask=tcp://HOST:PORT.",
        ),
    ] = LOCAL,
    report: Annotated[
        bool,
        typer.Option(
            "--report/--no-report",
            help="Write pictures, report.md and report.html; `harness report RUN` does so later.",
        ),
    ] = True,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Measure what the pipelines hold at their peak, over every binary of CORPUS.

    Each replicate is a fresh process with one instrument. Rows appear as they finish, the pipelines
    alone and the smallest binary first, with a verdict after each source. The table, the pictures,
    report.md and report.html come last. Nothing is overwritten. The last arm is compared with the
    first. Unless probes or sources were chosen, the smallest binaries are also run under memory
    limits, as `harness limit` does with all.

    Exit codes: 0 every row carries a verdict; 2 no binary can be read; 4 something that was asked
    for is lost or not known: a replicate failed, a file was rejected, the arms delivered different
    scopes. Whether a verdict is good or bad is for `harness gate` to judge.
    """
    console = error_console()
    arms = pipelines_of(options.arms)
    request = request_of(options, arms, at_default_level(pipeline), command_line())
    request = structs.replace(request, memory_limits=usual_limits(request), aside=aside_of(request))
    view = RunView(console, resumable=True, quiet=quiet, verbose=verbose)
    fetching = FetchProgress(console, view.bars)
    chosen = _suite_for_run(suite, context) if suite else None
    request = structs.replace(request, symbol_options=symbols)
    if url := address_of(corpus):
        with view:
            view.note(f"corpus: {corpus}")
            request = structs.replace(request, binaries=list_binaries(url))
            request = _narrowed(request, chosen, shard, view)
            run_dir = _measured(request, view, ALL_THERE, executor, resume)
    else:
        place = Path(corpus)
        finding = (
            corpus_of(chosen, place, fetching) if chosen else resolve(place, tier or "", fetching)
        )
        with closing(finding) as found, view:
            view.note(f"corpus: {found.label}")
            if found.warning:
                console.print(Text(f"warning: {found.warning}", style="yellow"))
            request = structs.replace(request, binaries=binaries_of(found))
            request = _narrowed(request, chosen, shard, view)
            arrivals = Arrivals(found, say=view.say)
            run_dir = _measured(request, view, arrivals, executor, resume)
    from harness.cli.publish import publish_run  # noqa: PLC0415 - pandas, which a run begins without

    publish_run(run_dir, report=report, json=json, quiet=quiet, told=not quiet and resume is None)


def _narrowed(request: RunRequest, suite: Suite | None, shard: str, view: RunView) -> RunRequest:
    """Return the request for what a suite needs, and for one shard of that."""
    request = narrowed(request, suite) if suite else request
    if shard:
        request = sharded(request, shard)
        view.say(f"shard {request.shard}: {counted(len(request.binaries), 'binary', 'binaries')}")
    for doubt in iter_doubts_of(suite, request) if suite else ():
        view.say(f"warning: {doubt}")
    return request


def _measured(
    request: RunRequest, view: RunView, supply: Supply, executor: str, resume: Path | None
) -> Path:
    """Measure here, or binary by binary wherever the executor takes them; return the run."""
    by_unit = any(is_url(one.path) for one in request.binaries) or (resume and is_of_units(resume))
    if executor == LOCAL and not by_unit:
        if resume is not None:
            return resume_session(resume, view, request, supply)
        return run_session(request, view, supply)
    from harness.run.fleet import open_executor, run_fleet  # noqa: PLC0415  few runs need it
    from harness.run.resume import resume_on  # noqa: PLC0415  likewise

    while not all(supply.has_arrived(one.name) for one in request.binaries):
        time.sleep(_LOOK_AGAIN_S)
    request = structs.replace(request, memory_limits=None)  # which are the smallest no unit knows
    with open_executor(executor) as units:
        if resume is not None:
            return resume_on(resume, view, request, units)
        return run_fleet(request, view, units)


def _suite_for_run(text: str, context: typer.Context) -> Suite:
    """Return the suite, unless options of the command line contradict it.

    Raises:
        ConfigError: There is none, or what it decides was given beside it.
    """
    given = [flag_of(name).removesuffix("s") for name in _DECIDED_BY_SUITE
             if is_given(context, name)]  # fmt: skip
    if given:
        raise ConfigError(
            f"the suite sets {', '.join(given)}", remedy="leave them out, or edit the suite"
        )
    return find_suite(text)
