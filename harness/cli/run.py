"""`harness run`: measure both pipelines over a corpus, side by side."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from harness.cli.binaries import await_binary, binaries_of
from harness.cli.console import error_console
from harness.cli.fetch_progress import FetchProgress
from harness.cli.limits import LimitOption, parse_limits
from harness.cli.publish import Findings, publish
from harness.cli.run_view import RunView
from harness.cli.suites import corpus_of, narrowed, suite_for_run
from harness.config import DEFAULT_FUNCTION_LIMIT, PipelineOptions, SymbolOptions
from harness.corpus import resolve
from harness.errors import HarnessError, MeasurementInvalid
from harness.pipelines.compressors import default_level
from harness.run.extensions import arms_by_name
from harness.run.request import DEFAULT_PROBES, RunRequest
from harness.run.resume import resume_session
from harness.run.session import run_session
from harness.units import parse_bytes

_BOTH = ("dwarf", "replay")
_ARMS = ("legacy", "streaming")


def run(  # noqa: PLR0913 - every parameter is an option of the command
    context: typer.Context,
    corpus: Annotated[
        Path,
        typer.Argument(
            help="A directory, one ELF file, or a directory called corpus that does not exist "
            "yet: then it is filled with pinned real binaries (115 MB)."
        ),
    ] = Path("corpus"),
    *,
    tier: Annotated[
        Literal["default", "small", "large"] | None,
        typer.Option(help="Which pinned binaries to fetch into a new directory."),
    ] = None,
    source: Annotated[
        Literal["both", "dwarf", "replay"],
        typer.Option(
            help="dwarf: extraction and pipeline together, as in production. "
            "replay: the pipeline alone, fed from a package cache."
        ),
    ] = "both",
    arm: Annotated[
        list[str] | None,
        typer.Option(
            help="A pipeline to run; repeat it. The last is compared with the first. "
            "Without: legacy and streaming."
        ),
    ] = None,
    probe: Annotated[
        list[str] | None,
        typer.Option(help=f"An instrument; repeat it. Without: {', '.join(DEFAULT_PROBES)}."),
    ] = None,
    replicates: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Fresh processes per arm, source and probe. Without: as many as "
            "the binary's size allows in ten minutes.",
        ),
    ] = None,
    threshold: Annotated[
        str, typer.Option(help="Flush when the compressed buffer has this size.", metavar="SIZE")
    ] = "2 MiB",
    function_limit: Annotated[
        int, typer.Option(min=1, help="Flush of the legacy pipeline: this many functions.")
    ] = DEFAULT_FUNCTION_LIMIT,
    encoder: Annotated[
        Literal["msgspec", "orjson", "json"], typer.Option(help="JSON encoder of both arms.")
    ] = "msgspec",
    compressor: Annotated[
        Literal["zlib", "zlib-ng", "isal"], typer.Option(help="Compressor of both arms.")
    ] = "zlib",
    sync_flush: Annotated[
        Literal["none", "package", "scope"],
        typer.Option(help="Bring all compressed data out after each of these (streaming)."),
    ] = "none",
    hard_limit: Annotated[
        bool,
        typer.Option(
            "--hard-limit",
            help="Never exceed the threshold; split packages (streaming; legacy has no threshold, "
            "and batches as ever).",
        ),
    ] = False,
    sink: Annotated[
        Literal["memory", "disk"], typer.Option(help="Where a batch is collected (streaming).")
    ] = "memory",
    limit: LimitOption = None,
    seed: Annotated[int, typer.Option(help="Decides order and hash seeds.")] = 1,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for one process.")] = 900.0,
    flame: Annotated[
        bool,
        typer.Option(
            "--flame",
            help="Keep memray's captures, and draw flame graphs of both peaks and of their "
            "difference into flame/ of the run (5 MB a page).",
        ),
    ] = False,
    results: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("results/runs"),
    suite: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Measure exactly what this suite needs: its binaries, arms, sources, instruments "
            "and replicates. A name (ci, default, seed) or a .toml file.",
        ),
    ] = "",
    commit: Annotated[
        str,
        typer.Option(
            metavar="LABEL",
            help="What to call the code under test; without, the commit of the checkout.",
        ),
    ] = "",
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this interrupted run.", metavar="RUN")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on standard output.")
    ] = False,
) -> None:
    """Measure what the pipelines hold at their peak, over every binary of CORPUS.

    Each replicate is a fresh process with one instrument. Rows appear as binaries finish, the
    smallest first; then come the table, the pictures, report.md and the same as a page,
    report.html. Nothing is ever overwritten.
    """
    console = error_console()
    options = PipelineOptions(
        threshold_bytes=parse_bytes(threshold),
        function_limit=function_limit,
        encoder=encoder,
        compressor=compressor,
        level=default_level(compressor),
        sync_flush=sync_flush,
        hard_limit=hard_limit,
        sink=sink,
    )
    symbols = SymbolOptions(limits=parse_limits(limit or ()))
    arms = arms_by_name(list(arm or _ARMS))
    view = RunView(console, resumable=True)
    fetching = FetchProgress(console, view.bars)
    chosen = suite_for_run(suite, context) if suite else None
    finding = (
        corpus_of(chosen, corpus, fetching) if chosen else resolve(corpus, tier or "", fetching)
    )
    with closing(finding) as found, view:
        console.print(Text(f"corpus: {found.label}"))
        if found.warning:
            console.print(Text(f"warning: {found.warning}", style="yellow"))
        view.wait_for = lambda name: await_binary(found, name)
        request = RunRequest(
            binaries=binaries_of(found),
            arms=arms,
            results=results,
            probes=tuple(probe or DEFAULT_PROBES),
            sources=_BOTH if source == "both" else (source,),
            replicates=dict.fromkeys(probe or DEFAULT_PROBES, replicates) if replicates else {},
            seed=seed,
            timeout_s=timeout,
            keep_captures=flame,
            pipeline_options=options,
            symbol_options=symbols,
            command=["python", "-m", "harness", *sys.argv[1:]],
            commit=commit,
        )
        if chosen:
            request = narrowed(request, chosen)
        run_dir = _measure(request, view, resume)
    _judge(publish(run_dir, run_dir, json=json, html=True))


def _measure(request: RunRequest, view: RunView, resume: Path | None) -> Path:
    if resume is not None:
        return resume_session(resume, view, request)
    return run_session(request, view)


def _judge(findings: Findings) -> None:
    """Refuse to end as if all were well when nothing was measured, or the arms disagree."""
    from harness.stats.frames import succeeded  # noqa: PLC0415 - pandas; loaded by now

    rows = findings.summary.rows
    differing = sorted({row.binary for row in rows if row.same_output is False})
    if differing:
        raise MeasurementInvalid(
            f"the arms delivered different scopes for {', '.join(differing)}",
            remedy="no memory verdict counts before both deliver the same",
        )
    # The rows know two arms, and a run may have had others.
    if succeeded(findings.frames.samples).empty:
        reasons = {failure.detail for row in rows for failure in row.failures}
        why = reasons.pop() if len(reasons) == 1 else "the reasons stand above and in report.md"
        raise HarnessError(f"nothing could be measured: {why}")
