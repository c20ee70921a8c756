"""Levels and changes over many runs as one JSON document: exact numbers, whole commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from harness.stats.trends import Step, Trend, Visit

SCHEMA = "harness.history/1"


class ChangeEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of level: a shift, or a break, of which `reasons` say what else changed there.

    `delta_pct` is null when the level before was nothing.
    """

    kind: Literal["shift", "break"]
    run_id: str
    commit: str
    since_run_id: str
    since_commit: str
    delta_pct: float | None
    reasons: list[str]


class TrendEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One metric of one experiment over the runs that measured it, oldest first."""

    binary: str
    source: str
    arm: str
    metric: str
    unit: str
    exact: bool
    runs: list[Visit]
    changes: list[ChangeEntry]
    remarks: list[str]


class HistoryDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `harness history --json` prints; `files` says where the pictures are."""

    schema: str = SCHEMA
    trends: list[TrendEntry]
    files: dict[str, str]


def history_document(trends: Sequence[Trend], files: Mapping[str, str]) -> HistoryDocument:
    """Return all trends and where their pictures are."""
    return HistoryDocument(trends=[_trend(trend) for trend in trends], files=dict(files))


def _trend(trend: Trend) -> TrendEntry:
    return TrendEntry(
        **trend.key._asdict(),
        unit=trend.unit,
        exact=trend.exact,
        runs=list(trend.visits),
        changes=[_change(step, trend.visits) for step in trend.steps],
        remarks=list(trend.remarks),
    )


def _change(step: Step, visits: Sequence[Visit]) -> ChangeEntry:
    since, at = visits[step.since], visits[step.at]
    return ChangeEntry(
        kind="break" if step.declared else "shift",
        run_id=at.run_id,
        commit=at.commit,
        since_run_id=since.run_id,
        since_commit=since.commit,
        delta_pct=step.delta_pct,
        reasons=list(step.reasons),
    )
