"""What `harness baseline show` says of a baseline, in words and as one document."""

from __future__ import annotations

from msgspec import structs
from rich.console import Console
from rich.text import Text

from harness.run.manifest import rig, versions
from harness.stats.labels import inert
from harness.stats.metrics import Metrics
from harness.stats.surroundings import differences, surroundings
from harness.store.baseline import Baseline, BaselineDocument, Bound
from harness.units import format_bytes

_PORTABLE = "any machine of this architecture with this Python"


def document_of(opened: Baseline) -> BaselineDocument:
    """Return a baseline as one document; `counts_here` as in `harness.stats.surroundings`."""
    seal = opened.seal
    return BaselineDocument(
        run_id=seal.run_id,
        commit=seal.commit,
        dirty=opened.run.manifest.dirty,
        command=seal.command,
        promoted_at=seal.promoted_at,
        versions=opened.run.manifest.versions,
        rig=opened.run.manifest.rig,
        experiments=_experiments(opened),
        files=seal.files,
        left_out=seal.left_out,
        counts_here=_counts_here(opened),
        bounds=opened.bounds,
    )


def _experiments(opened: Baseline) -> int:
    jobs = [record.job for record in opened.run.records if record.values]
    return len({(job.binary, job.source, job.arm) for job in jobs})


def _counts_here(opened: Baseline) -> dict[str, list[str]]:
    """Return for each metric of the baseline what differs here; nothing means that it counts."""
    there = opened.run.manifest
    here = structs.replace(there, versions=versions(), rig=rig())
    measured = {name for record in opened.run.records for name in record.values}
    return {
        metric: differences(surroundings(metric, there), surroundings(metric, here))
        for metric in Metrics(there).compared
        if metric in measured
    }


def print_baseline(opened: Baseline, console: Console) -> None:
    """Say where a baseline is from, what of it counts on this machine, and its bounds."""
    seal, manifest = opened.seal, opened.run.manifest
    size_bytes = sum(file.size_bytes for file in seal.files.values())
    left_out = ", ".join(seal.left_out) or "nothing"
    lines = {
        "baseline": f"{opened.path}: {len(seal.files)} files of {format_bytes(size_bytes)} are as "
        f"they were promoted; left out: {left_out}",
        "run": f"{seal.run_id}, promoted {seal.promoted_at}",
        "commit": f"{seal.commit or 'unknown'}{' with changes' if manifest.dirty else ''}",
        "command": seal.command,
        "measured": f"{_experiments(opened)} experiments, {_tools(manifest.versions)}",
    }
    for name, text in lines.items():
        console.print(Text(f"{name:9} {inert(text)}"), soft_wrap=True)
    _print_counts_here(opened, console)
    for bound in opened.bounds:
        console.print(Text(f"bound     {inert(_bound_line(bound))}"), soft_wrap=True)


def _tools(versions: dict[str, str]) -> str:
    python = str(versions.get("python", "unknown")).partition(" ")[0]
    return f"Python {python}, memray {versions.get('memray', 'unknown')}"


def _print_counts_here(opened: Baseline, console: Console) -> None:
    metrics = Metrics(opened.run.manifest)
    for metric, other in _counts_here(opened).items():
        needs = _PORTABLE if metrics[metric].portable else "its own machine"
        counts = f"not here: {'; '.join(other)}" if other else "counts here"
        console.print(Text(f"{metric:24} {counts} (valid on {needs})"), soft_wrap=True)


def _bound_line(bound: Bound) -> str:
    where = ", ".join(f"{name} {value}" for name, value in bound.surroundings.items())
    return (
        f"{bound.experiment} {bound.check}: {bound.series} <= {bound.upper_bound:,.12g}, "
        f"{bound.margin_pct:.1f} % above {bound.observed:,.12g} of {bound.run} ({where})"
    )
