"""Can a run be what others are compared with? Only one that lacks nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from harness.store.manifest import COMPLETE
from harness.store.reader import RunData

_MOST_NAMED = 3

Cell = tuple[str, str, str]


def iter_objections(run: RunData) -> Iterator[str]:
    """Yield every reason why `run` cannot carry the verdicts of others; none for a sound one."""
    state = run.manifest.get("state")
    if state != COMPLETE:
        yield f"it is {state or 'of unknown state'}, not complete"
    kind = run.manifest.get("kind", "run")
    if kind != "run":
        yield f"it is a {kind}, which measures other arms than anybody ships"
    yield from run.warnings
    yield from _iter_failures(run)
    measured = _metrics_by_cell(run)
    if not measured:
        yield "nothing was measured"
        return
    yield from _iter_gaps(run.manifest, measured)
    yield from _iter_mismatches(run, set(measured))


def _iter_failures(run: RunData) -> Iterator[str]:
    failed = run.samples[run.samples["status"] != "ok"]
    places = sorted(
        {f"{row.binary} ({row.arm}, {row.probe}): {row.status}" for row in failed.itertuples()}
    )
    if places:
        yield f"{len(failed)} replicates failed: {_named(places)}"
    elif len(run.failures):
        yield f"{len(run.failures)} failures are recorded"
    good = run.samples[run.samples["status"] == "ok"]
    wrong = sum(not math.isfinite(value) or value < 0 for value in good["value"])
    if wrong:
        yield f"{wrong} values are no measurement: negative, infinite or none at all"


def _metrics_by_cell(run: RunData) -> dict[Cell, set[str]]:
    """Return what was measured of every binary, source and arm."""
    found: dict[Cell, set[str]] = {}
    for row in run.samples[run.samples["status"] == "ok"].itertuples():
        cell = (str(row.binary), str(row.source), str(row.arm))
        found.setdefault(cell, set()).add(str(row.metric))
    return found


def _iter_gaps(manifest: dict[str, Any], measured: dict[Cell, set[str]]) -> Iterator[str]:
    """Yield what was asked for and is not there, and metrics that one arm has alone."""
    asked = list(_iter_asked(manifest))
    if not asked:
        yield "its manifest does not say what was asked for"
    missing = [" ".join(cell) for cell in asked if cell not in measured]
    if missing:
        yield f"not measured: {_named(missing)}"
    for binary, source in sorted({cell[:2] for cell in measured}):
        kinds = {
            frozenset(found) for cell, found in measured.items() if cell[:2] == (binary, source)
        }
        if len(kinds) > 1:
            uneven = sorted(frozenset.union(*kinds) - frozenset.intersection(*kinds))
            yield f"{binary} {source}: not every arm has {', '.join(uneven)}"


def _iter_asked(manifest: dict[str, Any]) -> Iterator[Cell]:
    options = manifest.get("options", {})
    for binary in manifest.get("corpus", []):
        for source in options.get("sources", []):
            # A part of a binary can only be replayed.
            if source == "replay" or binary.get("share", 1.0) == 1.0:
                for arm in options.get("arms", []):
                    yield str(binary["name"]), str(source), str(arm["name"])


def _iter_mismatches(run: RunData, measured: set[Cell]) -> Iterator[str]:
    digests: dict[tuple[str, str], set[str]] = {}
    delivered = set()
    for row in run.deliveries[run.deliveries["status"] == "ok"].itertuples():
        delivered.add((str(row.binary), str(row.source), str(row.arm)))
        digests.setdefault((str(row.binary), str(row.source)), set()).add(str(row.digest))
    unchecked = sorted(" ".join(cell) for cell in measured - delivered)
    if unchecked:
        yield f"nobody checked what was delivered by {_named(unchecked)}"
    differing = sorted(" ".join(case) for case, found in digests.items() if len(found) > 1)
    if differing:
        yield f"the arms delivered different scopes for {_named(differing)}"


def _named(places: list[str]) -> str:
    rest = len(places) - _MOST_NAMED
    return ", ".join(places[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
