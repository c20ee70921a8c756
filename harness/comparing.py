"""Compare stored runs with each other, arms of one run, and a baseline with this machine."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from msgspec import structs

from harness.config import BASELINE
from harness.errors import ConfigError, ExitCode, StoreError
from harness.loading import NUMBERS, load_frames
from harness.run.manifest import rig, versions
from harness.stats import sides
from harness.stats.check import Comparison
from harness.stats.compare import Rule
from harness.stats.environment import differences, environment_of
from harness.stats.files import compare_files
from harness.stats.frames import Frames
from harness.stats.metrics import Metrics
from harness.stats.verdict import ComparisonDocument, FileChanges
from harness.store.baseline import Baseline, BaselineDocument
from harness.store.files import files_of


def compare_runs(
    first: Path, second: Path | None, rule: Rule, metrics: Collection[str] = ()
) -> tuple[ComparisonDocument, list[str]]:
    """Compare two runs, or one with the baseline.

    Returns:
        The document, and what has to be known before any row of it is read.

    Raises:
        ConfigError: A side cannot be compared with the other.
        StoreError: A side cannot be read.
    """
    if second is None and not BASELINE.exists():
        raise ConfigError(
            f"there is nothing to compare {first} with: {BASELINE} does not exist",
            remedy="name two runs, or promote one: python -m harness baseline promote RUN",
        )
    paths = (BASELINE, first) if second is None else (first, second)
    old, new = (load_frames(path, NUMBERS) for path in paths)
    if old.manifest.run_id == new.manifest.run_id:
        raise ConfigError(
            "a run cannot be compared with itself", remedy="name two, or use --arms OLD NEW"
        )
    rows, files = sides.compare_runs(old, new, rule, metrics), compare_run_files(old, new)
    return _document((old, new), ("", ""), rows, files), list(sides.iter_differences(old, new))


def compare_arms(
    path: Path, arms: tuple[str, str], rule: Rule, metrics: Collection[str] = ()
) -> tuple[ComparisonDocument, list[str]]:
    """Compare two arms of one run; returns and raises like `compare_runs`."""
    run = load_frames(path, NUMBERS)
    known = sorted(set(map(str, run.samples["arm"])) - {""})
    for arm in arms:
        if arm not in known:
            raise ConfigError(
                f"{path} has no arm {arm!r}", remedy=f"it has {', '.join(known) or 'none'}"
            )
    files = FileChanges(checked=False, note="two arms of one run have the same files")
    return _document((run, run), arms, sides.compare_arms(run, *arms, rule, metrics), files), []


def baseline_document(opened: Baseline) -> BaselineDocument:
    """Return what a baseline is, and which of its values count on this machine."""
    seal, manifest = opened.seal, opened.run.manifest
    measured = [record for record in opened.run.records if record.values]
    here = structs.replace(manifest, versions=versions(), rig=rig())
    named = {name for record in measured for name in record.values}
    sealed = {name: one for name, one in structs.asdict(seal).items()
              if name in BaselineDocument.__struct_fields__}  # fmt: skip
    return BaselineDocument(
        **sealed,
        dirty=manifest.dirty,
        versions=manifest.versions,
        rig=manifest.rig,
        experiments=len({record.job.cell for record in measured}),
        counts_here={
            metric: differences(environment_of(metric, manifest), environment_of(metric, here))
            for metric in Metrics(manifest).compared
            if metric in named
        },
        bounds=opened.bounds,
    )


def _document(
    compared: tuple[Frames, Frames],
    arms: tuple[str, str],
    rows: list[Comparison],
    files: FileChanges,
) -> ComparisonDocument:
    warnings = dict.fromkeys(text for side in compared for text in side.warnings)
    reasons = [*sides.undecided(rows), *warnings]
    old, new = map(sides.side_of, compared, arms)
    return ComparisonDocument(
        exit_code=ExitCode.INVALID if reasons else ExitCode.OK,
        reasons=reasons,
        baseline=old,
        candidate=new,
        inventory=files,
        experiments=rows,
    )


def compare_run_files(baseline: Frames | None, candidate: Frames) -> FileChanges:
    """Return how the files changed since the ancestor, if that can be told."""
    if baseline is None:
        return FileChanges(checked=False, note="there is no ancestor to compare with")
    if not (baseline.manifest.run_id and candidate.manifest.run_id):
        return FileChanges(checked=False, note="a side is damaged")
    try:
        return compare_files(files_of(baseline.path), files_of(candidate.path))
    except StoreError as error:
        return FileChanges(checked=False, note=str(error))
