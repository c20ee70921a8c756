"""`harness compare`: what changed between two runs, or between two arms of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Everything, Json, MetricNames
from harness.cli.output import output_console, write_json
from harness.comparing import compare_arms, compare_runs
from harness.config import TOLERANCE_PCT
from harness.errors import ConfigError
from harness.reports.gate.terminal import print_comparison
from harness.stats.compare import Rule
from harness.stats.samples import Demands


def compare(  # noqa: PLR0913 - every parameter is an option of the command
    baseline: Annotated[
        Path, typer.Argument(help="The run to compare with, or the only one.", show_default=False)
    ],
    candidate: Annotated[
        Path | None,
        typer.Argument(
            help="The run that is judged. If it and --arms are left out, BASELINE is judged and "
            "compared with results/baseline.",
            show_default=False,
        ),
    ] = None,
    *,
    arms: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="OLD NEW", help="Compare two arms of one run instead: --arms legacy streaming."
        ),
    ] = None,
    metric: MetricNames = None,
    tolerance: Annotated[
        float, typer.Option(min=0, metavar="PERCENT", help="The change that matters.")
    ] = TOLERANCE_PCT,
    any_rig: Annotated[
        bool,
        typer.Option("--any-rig", help="Compare across machines and versions, for reading only."),
    ] = False,
    everything: Everything = False,
    json: Json = False,
) -> None:
    """Compare BASELINE with CANDIDATE, metric by metric, with confidence intervals.

    Exit codes: 0 every comparison has a verdict, good or bad, which is for `harness gate` to judge;
    4 at least one is invalid or inconclusive. Select metrics with --metric: times are rarely
    conclusive, exact metrics mostly are.
    """
    rule = Rule(tolerance_pct=tolerance, demands=Demands(any_rig=any_rig))
    if arms and candidate is not None:
        raise ConfigError("--arms compares two arms of one run", remedy="name one run only")
    if arms:
        document, notes = compare_arms(baseline, arms, rule, metric or ())
    else:
        document, notes = compare_runs(baseline, candidate, rule, metric or ())
    if json:
        write_json(document)
    else:
        print_comparison(document, notes, output_console(), everything=everything)
    raise typer.Exit(document.exit_code)
