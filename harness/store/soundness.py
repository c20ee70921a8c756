"""Can a run be what others are compared with? Only one that lacks nothing."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import HarnessError
from harness.records import VERIFY, Cell, Manifest, Record
from harness.store.reader import Run
from harness.text import counted, listed

_MOST_NAMED = 3


def refuse_objections(run: Run, kind: type[HarnessError], what: str) -> None:
    """Refuse a run that lacks something.

    Raises:
        HarnessError: It does; of that `kind`, and says `what` it cannot be.
    """
    if objections := list(iter_objections(run)):
        remedy = "measure again until every replicate succeeds"
        raise kind(f"{run.path} {what}: {'; '.join(objections)}", remedy=remedy)


def iter_objections(run: Run) -> Iterator[str]:
    """Yield every reason why `run` cannot carry the verdicts of others; none for a sound one."""
    if run.manifest.unfinished:
        yield run.manifest.unfinished
    kind = run.manifest.kind
    if kind != "run":
        yield f"it is a {kind}, and not what harness run measures"
    yield from run.warnings
    yield from _iter_failures(run)
    measured = _metrics_by_cell(run)
    if not measured:
        yield "nothing was measured"
        return
    yield from _iter_gaps(run.manifest, measured)
    yield from _iter_mismatches(run, set(measured))


def _iter_failures(run: Run) -> Iterator[str]:
    failed = [one for one in run.records if one.status != "ok" and one.attempt is None]
    if failed:
        jobs = ((record.job, record.status) for record in failed)
        places = sorted({f"{job.binary} ({job.arm}, {job.probe}): {how}" for job, how in jobs})
        yield f"{counted(len(failed), 'replicate')} failed: {listed(places, _MOST_NAMED)}"
    wrong = sum(value < 0 for record in _good(run) for value in record.values.values())
    if wrong:
        yield f"no measurement: {counted(wrong, 'value')} below zero"


def _good(run: Run) -> list[Record]:
    return [record for record in run.records if record.status == "ok"]


def _metrics_by_cell(run: Run) -> dict[Cell, set[str]]:
    """Return what was measured of every binary, source and arm."""
    found: dict[Cell, set[str]] = {}
    for record in _good(run):
        if record.values and not record.job.aside:
            found.setdefault(record.job.cell, set()).update(record.values)
    return found


def _iter_gaps(manifest: Manifest, measured: dict[Cell, set[str]]) -> Iterator[str]:
    """Yield what was asked for and is not there, and metrics that one arm has alone."""
    asked = list(_iter_asked(manifest))
    if not asked:
        yield "its manifest does not say what was asked for"
    missing = [" ".join(cell) for cell in asked if cell not in measured]
    if missing:
        yield f"not measured: {listed(missing, _MOST_NAMED)}"
    for binary, source in sorted({cell[:2] for cell in measured}):
        kinds = {
            frozenset(found) for cell, found in measured.items() if cell[:2] == (binary, source)
        }
        if len(kinds) > 1:
            uneven = sorted(frozenset.union(*kinds) - frozenset.intersection(*kinds))
            yield f"{binary} {source}: not every arm has {', '.join(uneven)}"


def _iter_asked(manifest: Manifest) -> Iterator[Cell]:
    options = manifest.options
    for binary in manifest.corpus:
        for source in binary.measured_from(options.sources):
            yield from ((binary.name, source, arm.name) for arm in options.arms)


def _iter_mismatches(run: Run, measured: set[Cell]) -> Iterator[str]:
    delivered = [record for record in _good(run) if record.job.probe == VERIFY]
    digests: dict[tuple[str, str], set[str]] = {}
    for record in delivered:
        digests.setdefault(record.job.cell[:2], set()).add(record.digest)
    unchecked = sorted(
        " ".join(cell) for cell in measured - {record.job.cell for record in delivered}
    )
    if unchecked:
        yield f"nobody checked what was delivered by {listed(unchecked, _MOST_NAMED)}"
    differing = sorted(" ".join(case) for case, found in digests.items() if len(found) > 1)
    if differing:
        yield f"the arms delivered different scopes for {listed(differing, _MOST_NAMED)}"
