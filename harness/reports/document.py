"""The summary as one JSON document: exact numbers, stable keys, null for what was not measured.

Keys, in the order they are written:

- `schema`: name and version of this form; a key is never renamed without a new version.
- `run`: `id`, `state`, `command`, `started_at`, `elapsed_s`, `rig_fingerprint`, `versions`, `rig`.
- `metric`, `arms`: the definition of peak heap used throughout; who is `baseline`, who `candidate`.
- `claim`: what is put to the test, `reduction_pct` and `overshoot_bytes`.
- `headline`: findings in words, each an `answer` and its `support`.
- `sources`: for each source, the mean reduction and the binaries for which the claim `holds`,
  `fails`, or which are `uncounted`; and the same of `overshoot`.
- `rows`: one a binary and source. `reduction_pct` is null when it would compare unlike things;
  `counts` says whether a verdict may rest on the row, `doubts` why not.
- `not_measured`: `what` is missing, for which `binaries`; none named means all.
- `files`: where the report and the pictures are, as given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.reports.gaps import group_gaps
from harness.reports.headline import Headline
from harness.reports.provenance import Provenance
from harness.stats.claim import Claim, judge_overshoot, judge_reduction
from harness.stats.quantity import Quantity
from harness.stats.summary import Arm, Row, Summary

SCHEMA = "harness.summary/1"


def summary_document(
    summary: Summary,
    provenance: Provenance,
    claim: Claim | None = None,
    files: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the document; everything in it is a plain JSON value."""
    claim = claim or Claim()
    gaps = group_gaps(summary, provenance)
    return {
        "schema": SCHEMA,
        "run": _run(provenance),
        "metric": summary.metric,
        "arms": {"baseline": summary.baseline, "candidate": summary.candidate},
        "claim": asdict(claim),
        "headline": [asdict(finding) for finding in Headline(summary, claim).iter_findings()],
        "sources": {
            source: _source(summary.of_source(source), claim) for source in summary.sources
        },
        "rows": [_row(row, provenance) for row in summary.rows],
        "not_measured": [{"what": what, "binaries": binaries} for what, binaries in gaps.items()],
        "files": dict(files or {}),
    }


def _run(provenance: Provenance) -> dict[str, Any]:
    return {
        "id": provenance.run_id,
        "state": provenance.state,
        "command": provenance.command,
        "started_at": provenance.started_at,
        "elapsed_s": provenance.elapsed_s,
        "rig_fingerprint": provenance.rig_fingerprint,
        "versions": dict(provenance.versions),
        "rig": dict(provenance.rig),
    }


def _source(rows: Sequence[Row], claim: Claim) -> dict[str, Any]:
    peak, overshoot = judge_reduction(rows, claim), judge_overshoot(rows, claim)
    return {
        "mean_reduction_pct": peak.mean_reduction_pct,
        "holds": _names(peak.holds),
        "fails": _names(peak.fails),
        "uncounted": _names(peak.uncounted),
        "overshoot": {
            "largest_bytes": overshoot.largest_bytes,
            "holds": _names(overshoot.holds),
            "fails": _names(overshoot.fails),
            "unreached": _names(overshoot.unreached),
        },
    }


def _names(rows: Sequence[Row]) -> list[str]:
    return [row.binary for row in rows]


def _row(row: Row, provenance: Provenance) -> dict[str, Any]:
    return {
        "binary": row.binary,
        "binary_sha256": row.binary_sha256,
        "source": row.source,
        "baseline": _arm(row.baseline),
        "candidate": _arm(row.candidate),
        "reduction_pct": row.reduction_pct,
        "wall_ratio": row.ratio("wall"),
        "cpu_ratio": row.ratio("cpu"),
        "rss_ratio": row.ratio("rss_peak"),
        "same_output": row.same_output,
        "counts": row.counts,
        "doubts": list(row.doubts),
        "failures": [asdict(failure) for failure in row.failures],
        "unmeasured": list(row.unmeasured),
        "repeat": provenance.repeat_command(row),
    }


def _arm(arm: Arm) -> dict[str, Any]:
    return {
        "arm": arm.name,
        "peak": None if arm.peak is None else _quantity(arm.peak),
        "batches": None if arm.batching is None else asdict(arm.batching),
        "metrics": [_quantity(quantity) for quantity in arm.quantities],
    }


def _quantity(quantity: Quantity) -> dict[str, Any]:
    return {**asdict(quantity), "exact": quantity.exact}
