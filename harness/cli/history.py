"""`harness history`: when did a metric change, over many runs, and at which commit?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from harness.cli.output import error_console, output_console, write_line
from harness.config import HISTORY
from harness.errors import ConfigError, StoreError
from harness.loading import load_frames
from harness.plots.history import draw
from harness.plots.style import write
from harness.stats.frames import Frames
from harness.stats.labels import inert, shorten
from harness.stats.trends import HistoryDocument, LevelChange, Trend, history_table, trends_of
from harness.store.manifest import COMPLETE, MANIFEST, read_manifest
from harness.text import json_bytes
from harness.units import format_value

_NAME_WIDTH = 24
_REMEDY = "name runs, or a directory of runs"


def history(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs, or directories of runs.", show_default=False)
    ],
    *,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="A metric to follow; repeat it. Without: all that are compared."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show what did not change too.")
    ] = False,
    output: Annotated[Path, typer.Option(help="Where the pictures go.")] = HISTORY,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on standard output.")
    ] = False,
) -> None:
    """Follow every metric of every experiment over RUNS, in the order of their start.

    An exact metric changed wherever its value differs from the run before, and the commit is
    named. Of the others, levels are told from noise. Where Python, memray, the binary or the
    options changed too, it is a declared break and nobody's regression; for times and RSS so is
    another machine.
    """
    frames = list(_read(runs))
    trends = trends_of(frames, metric or ())
    if not trends:
        asked = ", ".join(metric or ()) or "of the known metrics"
        raise ConfigError(f"no run measured any {asked}", remedy="name other metrics or runs")
    pictures = _draw(trends, output)
    if json:
        write_line(json_bytes(HistoryDocument(trends=trends, files=pictures)))
    else:
        _print(trends, len(frames), everything=everything)
        for name, path in pictures.items():
            output_console().print(f"{name}  {path}", markup=False, soft_wrap=True)


def _read(paths: Sequence[Path]) -> Iterable[Frames]:
    """Yield the tables of every run that ended well; say which others there are."""
    found = [run for path in paths for run in _iter_runs(path)]
    for path in found:
        manifest = read_manifest(path)
        state, kind = manifest.state, manifest.kind
        if state != COMPLETE or kind != "run":
            why = f"a {kind}" if kind != "run" else f"{state or 'of unknown state'}, not complete"
            _warn(f"{path} left out: it is {why}")
            continue
        frames = load_frames(path, ("samples", "deliveries"))
        for warning in frames.warnings:
            _warn(f"{path}: {warning}")
        yield frames


def _iter_runs(path: Path) -> list[Path]:
    if (path / MANIFEST).exists():
        return [path]
    try:
        found = sorted(entry for entry in path.iterdir() if (entry / MANIFEST).exists())
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", remedy=_REMEDY) from error
    if not found:
        raise StoreError(f"{path}: there is no run in it", remedy=_REMEDY)
    return found


def _warn(text: str) -> None:
    error_console().print(Text(f"warning: {inert(text)}", style="yellow"))


def _draw(trends: Sequence[Trend], directory: Path) -> dict[str, str]:
    try:
        png = write(draw(history_table(trends)), directory, "history")
    except OSError as error:
        raise StoreError(
            f"cannot write into {directory}: {error.strerror}",
            remedy="choose another directory with --output",
        ) from error
    return {"history": str(png)}


def _print(trends: Sequence[Trend], runs: int, *, everything: bool) -> None:
    console = output_console()
    changed = [trend for trend in trends if trend.changes]
    shown = trends if everything else changed
    for trend in shown:
        name = (trend.binary, trend.source, trend.arm, trend.metric)
        console.print(Text(" ".join(shorten(word, _NAME_WIDTH) for word in name), "bold"))
        for line in _lines(trend):
            console.print(Text(f"  {line}"), soft_wrap=True)
    still = len(trends) - len(changed)
    console.print(f"{runs} runs, {len(trends)} metrics of experiments, {still} without a change")
    for remark in sorted({remark for trend in trends for remark in trend.remarks}):
        concerned = sum(remark in trend.remarks for trend in trends)
        console.print(Text(f"{concerned} x {remark}"))


def _lines(trend: Trend) -> list[str]:
    if not trend.changes:
        level = format_value(trend.runs[-1].level, trend.unit)
        return [f"{'no change':>12}  {level:>10}"]
    return [_line(trend, change) for change in trend.changes]


def _line(trend: Trend, change: LevelChange) -> str:
    since, at = trend.run(change.since_run_id), trend.run(change.run_id)
    level = format_value(at.level, trend.unit)
    why = f"; declared break: {'; '.join(change.reasons)}" if change.reasons else ""
    by = f"{change.percent:+.3g} %"
    return inert(f"{by:>12}  {level:>10}  at {at.name}, after {since.name}{why}")
