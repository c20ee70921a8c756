"""What `harness baseline show` prints: where it is from, what of it counts here, its bounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from harness.records import Manifest
from harness.stats.labels import inert
from harness.stats.metrics import Metrics
from harness.text import counted
from harness.units import format_bytes

if TYPE_CHECKING:
    from harness.store.baseline import BaselineDocument, Bound

_PORTABLE = "any machine of this architecture with this Python"


def print_baseline(
    baseline: BaselineDocument, path: Path, manifest: Manifest, console: Console
) -> None:
    """Say where a baseline is from, what of it counts on this machine, and its bounds."""
    size_bytes = sum(file.size_bytes for file in baseline.files.values())
    left_out = ", ".join(baseline.left_out) or "nothing"
    files = counted(len(baseline.files), "file")
    lines = {
        "baseline": f"{path}: {files} of {format_bytes(size_bytes)}, as promoted; "
        f"left out: {left_out}",
        "run": f"{baseline.run_id}, promoted {baseline.promoted_at}",
        "commit": f"{baseline.commit or 'unknown'}{' with changes' if baseline.dirty else ''}",
        "command": baseline.command,
        "measured": f"{counted(baseline.experiments, 'experiment')}, {_tools(baseline.versions)}",
    }
    for name, text in lines.items():
        console.print(Text(f"{name:9} {inert(text)}"), soft_wrap=True)
    metrics = Metrics(manifest)
    for metric, other in baseline.counts_here.items():
        needs = _PORTABLE if metrics[metric].portable else "its own machine"
        counts = f"not here: {'; '.join(other)}" if other else "counts here"
        console.print(Text(f"{metric:24} {counts} (valid on {needs})"), soft_wrap=True)
    for bound in baseline.bounds:
        console.print(Text(f"bound     {inert(_bound_line(bound))}"), soft_wrap=True)


def _tools(versions: dict[str, str]) -> str:
    python = str(versions.get("python", "unknown")).partition(" ")[0]
    return f"Python {python}, memray {versions.get('memray', 'unknown')}"


def _bound_line(bound: Bound) -> str:
    where = ", ".join(f"{name} {value}" for name, value in bound.environment.items())
    return (
        f"{bound.experiment} {bound.check}: {bound.series} <= {bound.upper_bound:,.12g}, "
        f"{bound.margin_pct:.1f} % above {bound.observed:,.12g} of {bound.run} ({where})"
    )
