"""Which memory limits were survived, from the attempts that a run has stored."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from msgspec import convert, structs

from harness.config import LimitOptions
from harness.errors import MeasurementInvalid
from harness.limits.choice import metric_of
from harness.limits.edge import FAILED, SURVIVED, edge_of
from harness.limits.found import PROBE, Found, Parts, iter_asked, outcomes_of, parts_of
from harness.records import Attempt, Cell, Manifest, Record
from harness.stats.frames import Frames
from harness.stats.quantity import worst_values
from harness.text import first_cause
from harness.units import format_bytes

LIMIT = "limit"
"""The `kind` in the manifest of a run that was made to find limits."""

_Worst = Mapping[tuple[str, ...], float]
_Outcomes = Mapping[int, Sequence[str]]
_Row = Mapping[Hashable, Any]


def edges_of(records: Iterable[Record], manifest: Manifest) -> list[Record]:
    """Return a record for each limit that the attempts of a run prove.

    A limit counts as often as both sides of the edge were tried, each time with what became of the
    attempts of that turn. Of a search that did not reach its end there is none.
    """
    limits = manifest.options.memory_limits
    if limits is None or limits.under_bytes:
        return []  # not even looking: that would read every record
    cells: dict[Cell, list[Record]] = {}
    for record in records:
        if record.attempt and record.attempt.limit_bytes:
            cells.setdefault(record.job.cell, []).append(record)
    return [one for tried in cells.values() for one in _iter_proved(tried, limits)]


def _iter_proved(tried: Sequence[Record], options: LimitOptions) -> Iterator[Record]:
    attempts = [record.attempt for record in tried if record.attempt]
    metric = metric_of(attempts[0].backend).name
    outcomes = outcomes_of(attempts)
    edge = edge_of(outcomes, options.grain_bytes)
    if edge is None or not edge.is_within(options.grain_bytes):
        return
    sides = [len(outcomes[at]) for at in (edge.survives_bytes, edge.killed_bytes) if at]
    for turn in range(min(sides)):
        job = structs.replace(tried[turn].job, probe=PROBE, replicate=turn)
        yield Record(
            job=job,
            status="ok",
            values={metric: float(_survived(outcomes, turn))},
            randomised=any(record.randomised for record in tried),
        )


def _survived(outcomes: _Outcomes, turn: int) -> int:
    """Return the smallest limit from which on everything survived in one turn of attempts."""
    survived = 0
    for at in sorted(outcomes, reverse=True):
        if outcomes[at][min(turn, len(outcomes[at]) - 1)] != SURVIVED:
            break
        survived = at
    return survived


def found_limits(frames: Frames) -> list[Found]:
    """Return what is known of every binary, source and arm whose limits a run was asked for."""
    manifest = frames.manifest
    options = manifest.options.memory_limits
    if options is None:
        return []
    arms = [arm.name for arm in manifest.options.arms]
    asked = iter_asked(options, manifest.corpus, manifest.options.sources, arms)
    worst = worst_values(frames.samples)
    tried: dict[Cell, list[_Row]] = {}
    for row in frames.attempts.sort_values("order").to_dict("records"):
        tried.setdefault((row["binary"], row["source"], row["arm"]), []).append(row)
    cells = [(binary.name, source, arm) for binary, source, arm in asked]
    return [_found(frames, options, cell, worst, tried.get(cell, [])) for cell in cells]


def _found(
    frames: Frames, options: LimitOptions, cell: Cell, worst: _Worst, rows: Sequence[_Row]
) -> Found:
    binary, source, arm = cell
    attempts = [_attempt(row) for row in rows]
    found = Found(
        binary=binary,
        arm=arm,
        source=source,
        backend=options.backend,
        free_rss_bytes=int(worst.get((*cell, "rss_peak"), 0)),
        attempts=attempts,
    )
    edge = None if options.under_bytes else edge_of(found.outcomes, options.grain_bytes)
    found = structs.replace(found, edge=edge, made_of=_parts(cell, worst, found.charged_bytes))
    return structs.replace(found, problem=_problem(frames, options, found, rows))


def _parts(cell: Cell, worst: _Worst, charged_bytes: int) -> Parts | None:
    private, growth, heap = (
        worst.get((*cell, metric)) for metric in ("private_start", "rss_growth", "heap_peak")
    )
    if private is None or growth is None or heap is None:
        return None
    growth = max(0.0, growth - worst.get((*cell, "file_growth"), 0.0))  # not private: page cache
    return parts_of(private, growth, heap, charged_bytes or None)


def _attempt(row: _Row) -> Attempt:
    known = {name: row[name] for name in Attempt.__struct_fields__}
    told = {name: None if pd.isna(one) else one for name, one in known.items()}
    return convert(told, Attempt, strict=False)  # beside one that is not known, a peak is a float


def _problem(frames: Frames, options: LimitOptions, found: Found, rows: Sequence[_Row]) -> str:
    if not found.attempts:
        return _why_not_tried(frames, found)
    if options.under_bytes:
        told = [[one for one in found.outcomes.get(at, ()) if one != FAILED]
                for at in options.under_bytes]  # fmt: skip
        known, otherwise = min(map(len, told)) >= options.replicates, "not every limit was tried"
    else:
        known = found.edge is not None and found.edge.is_within(options.grain_bytes)
        otherwise = "the search did not reach its end"
    if known:
        return ""
    failed = next((row for row in reversed(rows) if row["outcome"] == FAILED), None)
    if failed is None:
        return otherwise
    return f"an attempt failed for another reason: {first_cause(failed['detail'])}"


def _why_not_tried(frames: Frames, found: Found) -> str:
    failures = frames.failures[
        (frames.failures["binary"] == found.binary) & frames.failures["arm"].isin([found.arm, ""])
    ]
    if len(failures):
        first = failures.iloc[0]
        cause = first_cause(str(first["detail"]))
        return f"it did not deliver without a limit: {first['status']}{cause and ': '}{cause}"
    if not found.free_rss_bytes:
        return "it did not deliver without a limit"
    return "no limit was tried"


def way_out(frames: Frames, limit_bytes: int) -> str:
    """Return what is left to do where a limit was not survived: beneath the floor, one thing."""
    started = frames.samples[frames.samples["metric"] == "private_start"]["value"]
    floor = pd.to_numeric(started).min()
    if limit_bytes < floor:
        return f"raise the limit: interpreter and modules alone take {format_bytes(floor)}"
    return "raise the limit or change the pipeline"


def refuse_unknown(limits: Iterable[Found], *, told: bool = False, remedy: str = "") -> None:
    """Refuse an answer where one is not known; causes that were `told` just before are left out.

    Raises:
        MeasurementInvalid: The first is named, and how many more there are.
    """
    unknown = [
        f"{one.arm} over {one.binary}: "
        f"{one.problem.partition(': ')[0] if told and not one.attempts else one.problem}"
        for one in limits
        if one.problem
    ]
    if unknown:
        more = f", and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise MeasurementInvalid(f"{unknown[0]}{more}", remedy=remedy)
