"""The summary as one JSON document: exact numbers, stable keys, null for what was not measured.

A key is never renamed without a new version in `SCHEMA`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec import Struct, convert, field, json

from harness.config import Claim
from harness.reports.gaps import group_gaps
from harness.reports.headline import Finding, Headline
from harness.reports.report import Report
from harness.stats.claim import CLAIM, judge_overshoot, judge_reduction
from harness.stats.summary import Row
from harness.text import json_bytes

SCHEMA = "harness.summary/1"


class RunEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which run this is about; `elapsed_s` is null for one that did not end."""

    run_id: str = field(name="id")
    state: str
    command: str
    started_at: str
    elapsed_s: float | None
    rig_fingerprint: str
    versions: dict[str, str]
    rig: dict[str, Any]


class ArmNames(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pipeline is compared with which."""

    baseline: str
    candidate: str


class OvershootEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The binaries that kept to the claimed overshoot, did not, or never reached the threshold."""

    largest_bytes: int | None
    holds: list[str]
    fails: list[str]
    unreached: list[str]


class SourceEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which binaries of one source the claim holds, and for which not.

    The mean reduction is that of the geometric mean of the ratios; `uncounted` prove nothing.
    From `holds_from_bytes` of JSON on the claim holds for every binary; null where no size is
    known that parts those it holds for from the others.
    """

    mean_reduction_pct: float | None
    holds_from_bytes: int | None
    holds: list[str]
    fails: list[str]
    uncounted: list[str]
    overshoot: OvershootEntry


class GapEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is missing, for which binaries; none named means all."""

    what: str
    binaries: list[str]


class SummaryDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `--json` of `harness run` and `harness report` prints.

    `metric` is the definition of peak heap used throughout; `claim` what is put to the test;
    `headline` the findings in words; `files` where report and pictures are.
    """

    schema: str = SCHEMA
    run: RunEntry
    metric: str
    arms: ArmNames
    claim: Claim
    headline: list[Finding]
    sources: dict[str, SourceEntry]
    rows: tuple[Row, ...]
    not_measured: list[GapEntry]
    files: dict[str, str]
    warnings: list[str]


def summary_document(
    report: Report, files: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the document; everything in it is a plain JSON value."""
    summary, manifest = report.summary, report.frames.manifest
    document = SummaryDocument(
        run=convert(manifest, RunEntry, from_attributes=True),
        metric=summary.metric,
        arms=ArmNames(baseline=summary.baseline, candidate=summary.candidate),
        claim=CLAIM,
        headline=list(Headline(summary).iter_findings()),
        sources={source: _source(summary.of_source(source)) for source in summary.sources},
        rows=summary.rows,
        not_measured=[
            GapEntry(what=what, binaries=list(named))
            for what, named in group_gaps(summary, manifest).items()
        ],
        files=dict(files),
        warnings=list(report.frames.warnings),
    )
    plain: dict[str, Any] = json.decode(json_bytes(document))
    return plain


def _source(rows: Sequence[Row]) -> SourceEntry:
    peak, overshoot = judge_reduction(rows), judge_overshoot(rows)
    return SourceEntry(
        mean_reduction_pct=peak.mean_reduction_pct,
        holds_from_bytes=peak.from_bytes,
        holds=_names(peak.holds),
        fails=_names(peak.fails),
        uncounted=_names(peak.uncounted),
        overshoot=OvershootEntry(
            largest_bytes=overshoot.largest_bytes,
            holds=_names(overshoot.holds),
            fails=_names(overshoot.fails),
            unreached=_names(overshoot.unreached),
        ),
    )


def _names(rows: Sequence[Row]) -> list[str]:
    return [row.binary for row in rows]
