"""`harness ab`: what two callables of yours hold at their peak, side by side."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from harness.arms.calls import arms_of, arms_of_versions, inputs_of, with_callables
from harness.arms.checkouts import checked_out, in_checkout
from harness.arms.rounds import measure_in_turn
from harness.cli.options import Fields, Json, Quiet, Verbose, command_line, is_given, with_options
from harness.cli.output import error_console
from harness.cli.run_view import RunView
from harness.config import AB, ROUNDS, PipelineOptions, RunOptions
from harness.errors import ConfigError
from harness.records import CALL, Call
from harness.run.request import request_of
from harness.run.session import run_session
from harness.store.merged import merge_runs
from harness.suites import find_suite, suite_names
from harness.text import counted

_OF_SUITES = ("rounds", "out")
_OF_CALLABLES = ("inputs", "setup", "teardown", "digest", "output", "tolerance", "probes", "seed",
                 "timeout_s", "env", "commit")  # fmt: skip
_OFFERED = ("probes", "replicates", "seed", "timeout_s", "env", "flame", "results", "commit")


@with_options
def ab(  # noqa: PLR0913 - every parameter is an option of the command
    context: typer.Context,
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="OLD [NEW] [-- ARGS...]",
            help="Callables: package.module:function, imported from where you are, or "
            "path/file.py:function. Behind -- stand their arguments: literals of Python where they "
            "are any, else text; NAME=VALUE goes by keyword.",
            show_default=False,
        ),
    ] = None,
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
            help="Call this with the same arguments before the measurement; unless it returns "
            "None, its result replaces the arguments.",
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
            help="Call this with what each callable returned, and compare its results instead.",
        ),
    ] = "",
    output: Annotated[
        str,
        typer.Option(
            "--output-of",
            metavar="PATH",
            help="Compare this file or directory, relative to the empty directory in which a "
            "callable runs. Default: everything that it wrote there.",
        ),
    ] = "",
    rev: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REVISION",
            help="A version to measure one callable in, twice: a commit of the repository that you "
            "are in, . for the files as they are, or package==1.2. Each gets a checkout and an "
            "environment, which are removed afterwards.",
        ),
    ] = None,
    install: Annotated[
        str,
        typer.Option(
            metavar="COMMAND",
            help="How a checkout is installed. Default: uv pip install ., or pip install . if "
            "there is no uv, where there is a pyproject.toml or setup.py.",
        ),
    ] = "",
    suite: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            autocompletion=suite_names,
            help="With --rev: measure the pipelines by this suite instead of a callable, in turn, "
            "and judge the second version by it.",
        ),
    ] = "",
    rounds: Annotated[
        int, typer.Option(min=2, help="With --suite: how often each version is measured; even.")
    ] = ROUNDS,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --suite: where the gate's reports go.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="PERCENT",
            help="Fail (exit code 3) where the peak of the second is higher by more than this.",
        ),
    ] = None,
    options: Annotated[RunOptions, Fields(*_OFFERED)] = AB,
    report: Annotated[
        bool,
        typer.Option("--report/--no-report", help="Write pictures, report.md and report.html."),
    ] = True,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Measure two callables over the same arguments or files, and compare what they hold.

    Each replicate is a fresh process with one instrument. What is returned and what is written is
    compared first: no memory verdict counts before both do the same. One callable alone is measured
    and compared with nothing; with two --rev, it is compared with itself in another version.

    For example: harness ab export:old export:new --input data.csv, or harness ab export:encode
    --rev main --rev HEAD -- 50000

    Exit codes: 0 every row carries a verdict, good or bad; 2 something cannot be imported, called,
    installed or read; 3 the second needs more than --tolerance allows, or the suite's gate failed;
    4 something that was asked for is lost or not known.
    """
    console = error_console()

    def say(text: str) -> None:
        if not quiet:
            console.print(text, markup=False)

    targets, args = _split(given or [])
    revisions = rev or []
    _refuse_mixtures(targets, revisions, suite)
    if suite:
        _refuse_idle(context, _OF_CALLABLES, "with --suite")
    else:
        _refuse_idle(context, _OF_SUITES, "without --suite")
    if not revisions:
        _refuse_idle(context, ["install"], "without --rev")
    if len(targets) + len(revisions) == 1:
        _refuse_idle(context, ["tolerance"], "where one callable is measured alone")
    others = {"setup": setup, "teardown": teardown, "digest": digest}
    call = with_callables(
        Call(args=tuple(args), output=output), {name: one for name, one in others.items() if one}
    )
    with checked_out(revisions, install, options.results, say) as versions:
        if suite:
            if suite.endswith(".toml"):  # as the second version has it
                suite = str(in_checkout(versions[1], Path(suite)))
            sides = measure_in_turn(
                versions,
                suite,
                options.results,
                say,
                rounds=rounds,
                replicates=options.replicates or 1,
                flame=options.flame,
            )
            command = shlex.join(command_line())
            pools = [merge_runs(runs, options.results, command) for runs in sides]
            raise typer.Exit(_judged(suite, pools, sides, out, json=json))
        arms = arms_of_versions(versions, targets[0], call) if versions else arms_of(targets, call)
        request = request_of(options, arms, PipelineOptions(), command_line(), CALL)
        request = structs.replace(request, binaries=inputs_of(inputs or (), call), sources=(CALL,))
        with RunView(console, inputs=("input", "inputs"), quiet=quiet, verbose=verbose) as view:
            run_dir = run_session(request, view)
    from harness.cli.publish import publish_run  # noqa: PLC0415 - pandas, which a run begins without
    from harness.stats.answered import refuse_grown  # noqa: PLC0415 - likewise

    found = publish_run(run_dir, report=report, json=json, quiet=quiet, told=not quiet)
    if tolerance is not None:
        refuse_grown(found.summary.rows, tolerance)


def _judged(
    suite: str, pools: list[Path], sides: list[list[Path]], out: Path | None, *, json: bool
) -> int:
    """Print and write the verdict of a suite on two pools, and return the exit code it means."""
    from harness.cli.gate import show  # noqa: PLC0415 - loads pandas
    from harness.judging import load_or_explain  # noqa: PLC0415 - likewise

    base, head = pools
    asked, candidate, target = find_suite(suite), load_or_explain(head), out or head / "gate"
    return show(asked, candidate, base, target, (sides[0], sides[1]), json=json)


def _refuse_mixtures(targets: list[str], revisions: list[str], suite: str) -> None:
    """Refuse what does not make two sides, or one callable alone.

    Raises:
        ConfigError: It does not.
    """
    if suite and (targets or len(revisions) != 2):
        raise ConfigError(
            "--suite measures the pipelines of two versions",
            remedy="name two with --rev, and no callable",
        )
    if suite:
        return
    if revisions and (len(targets) != 1 or len(revisions) != 2):
        raise ConfigError(
            f"{counted(len(targets), 'callable')} and {counted(len(revisions), 'version')} make no "
            "two sides",
            remedy="name one callable and --rev twice",
        )
    if not targets:
        raise ConfigError(
            "no callable is named",
            remedy="name one or two, such as export:old export:new (harness ab -h)",
        )
    if len(targets) > 2:
        raise ConfigError(
            f"{len(targets)} callables are named: {' '.join(targets)}",
            remedy="name one or two; their arguments go behind --",
        )


def _refuse_idle(context: typer.Context, names: Iterable[str], where: str) -> None:
    """Refuse options that are given and would do nothing.

    Raises:
        ConfigError: There is one.
    """
    for option in context.command.params:
        if option.name in names and is_given(context, option.name):
            raise ConfigError(f"{option.opts[0]} does nothing {where}", remedy="leave it out")


def _split(given: list[str]) -> tuple[list[str], list[str]]:
    """Return the callables and their arguments: click drops the `--` between them."""
    behind = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    return given[: len(given) - len(behind)], behind
