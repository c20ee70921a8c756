"""Manage the baseline that runs are compared with, and its bounds."""

from __future__ import annotations

import typer
from rich.text import Text

from harness.cli.options import BaselineDir, Everything, Json, RunDir, group
from harness.cli.output import output_console, warn, write_json
from harness.cli.ratchet import ratchet
from harness.comparing import baseline_document, compare_runs
from harness.config import BASELINE
from harness.reports.baseline import print_baseline
from harness.reports.gate.terminal import print_comparison
from harness.stats.compare import Rule
from harness.stats.labels import inert
from harness.stats.verdict import BaselineDiff
from harness.store import read_run
from harness.store.baseline import Baseline, open_baseline
from harness.store.baseline import promote as promote_run
from harness.store.soundness import iter_objections

app = group("baseline", __doc__)


@app.command("promote")
def promote(run: RunDir, *, baseline: BaselineDir = BASELINE, json: Json = False) -> None:
    """Make RUN what others are compared with. Bounds that were ratcheted stay.

    Refused for a run that is not complete, has a failed replicate, is damaged, or whose arms
    delivered different scopes.
    """
    promoted = promote_run(run, baseline)
    _show(promoted, json=json)
    if promoted.run.manifest.dirty:
        warn("the checkout that was measured differed from its commit: nobody can repeat it")


@app.command("show")
def show(*, baseline: BaselineDir = BASELINE, json: Json = False) -> None:
    """Show the baseline, what of it can be compared on this machine, and its bounds.

    Every digest is verified first.
    """
    _show(open_baseline(baseline), json=json)


def _show(opened: Baseline, *, json: bool) -> None:
    document = baseline_document(opened)
    if json:
        write_json(document)
    else:
        print_baseline(document, opened.path, opened.run.manifest, output_console())


@app.command("diff")
def diff(
    run: RunDir,
    *,
    baseline: BaselineDir = BASELINE,
    everything: Everything = False,
    json: Json = False,
) -> None:
    """Show what promoting RUN would change: whether it may be, and every metric that differs.

    Exit codes: 0 every metric could be compared, whatever came of it; 4 one could not.
    """
    objections = list(iter_objections(read_run(run)))
    document, notes = compare_runs(baseline, run, Rule())
    if json:
        whole = BaselineDiff(promotable=not objections, objections=objections, comparison=document)
        write_json(whole)
    else:
        console = output_console()
        for objection in objections:
            console.print(Text(f"cannot be promoted: {inert(objection)}", style="yellow"))
        if not objections:
            console.print("can be promoted")
        print_comparison(document, notes, console, everything=everything)
    raise typer.Exit(document.exit_code)


app.command("ratchet")(ratchet)
