"""`harness gate`: hold a run against a suite, and decide."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import command_line
from harness.cli.output import output_console, print_files, refuse_sealed, warn, write_json
from harness.cli.process import dispensable_output
from harness.config import BASELINE, SUITE
from harness.judging import judge, load_or_explain, with_flames
from harness.reports.gate.files import write_verdict
from harness.reports.gate.terminal import print_verdict
from harness.store.seal import is_sealed
from harness.suites import find_suite, suite_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.gates.suite import Suite
    from harness.stats.frames import Frames

_SUMMARY = "GITHUB_STEP_SUMMARY"


def gate(
    run: Annotated[Path, typer.Argument(help="The run to judge.", show_default=False)],
    *,
    suite: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            autocompletion=suite_names,
            help="A suite (ci, default, seed) or a .toml file. Default: the one the run was made "
            "for, or default.",
        ),
    ] = "",
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The run or promoted baseline to compare with. Default: results/baseline, if "
            "there is one.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the reports go. Default: RUN/gate.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print report.json on standard output.")
    ] = False,
) -> None:
    """Judge RUN by every gate, and write report.md, report.json, junit.xml and decision.md.

    Exit codes: 0 everything that guards the job passed; 3 a bound or a comparison that guards it
    failed; 4 something that the suite expects is missing, damaged or mismatched, or a guarding
    comparison is inconclusive, which is neither a regression nor a pass.

    When GITHUB_STEP_SUMMARY names a file, the report is appended to it.
    """
    refuse_sealed(out or run, "--out")
    candidate = load_or_explain(run)
    chosen = find_suite(suite or candidate.manifest.options.suite or SUITE)
    if baseline is None and is_sealed(BASELINE):
        baseline = BASELINE
    traced = [baseline] if baseline else [], [run]
    raise typer.Exit(show(chosen, candidate, baseline, out or run / "gate", traced, json=json))


def show(  # noqa: PLR0913 - what a verdict is about, and where it goes
    suite: Suite,
    candidate: Frames,
    baseline: Path | None,
    target: Path,
    traced: tuple[Sequence[Path], Sequence[Path]],
    *,
    json: bool,
) -> int:
    """Judge a run, write the reports into `target`, print the verdict, return its exit code.

    Where peaks have grown is drawn from the captures of the `traced` runs of both sides.
    """
    verdict = judge(suite, candidate, baseline, shlex.join(command_line()))
    verdict = with_flames(verdict, traced, target, warn)
    _append_summary(write_verdict(verdict, suite.description, target))
    with dispensable_output():
        if json:
            write_json(verdict)
        else:
            console = output_console()
            print_verdict(verdict, console)
            console.print()
            links = dict.fromkeys(link.link for row in verdict.experiments for link in row.links)
            for one in ("report.md", *(link for link in links if (target / link).is_file())):
                print_files({one.rpartition("/")[0] or "report": target / one})
    return verdict.exit_code


def _append_summary(report: str) -> None:
    """Show the report on the page of the CI job; that this fails is said and changes nothing."""
    path = os.environ.get(_SUMMARY)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{report}\n")
    except OSError as error:
        warn(f"cannot append to {_SUMMARY}: {error.strerror}")
