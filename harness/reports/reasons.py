"""Where a claim does not hold, the facts that bear on why; conclusions are the reader's."""

from __future__ import annotations

from collections.abc import Iterator

from harness.stats.claim import Claim, judge_reduction
from harness.stats.summary import Row, Summary
from harness.units import format_bytes


def iter_exceptions(summary: Summary, claim: Claim) -> Iterator[tuple[Row, str]]:
    """Yield each row that counts and falls short of the claimed reduction, with what is known."""
    for source in summary.sources:
        for row in judge_reduction(summary.of_source(source), claim).fails:
            yield row, " ".join(_iter_facts(summary, row))


def _iter_facts(summary: Summary, row: Row) -> Iterator[str]:
    old, new = row.baseline.peak, row.candidate.peak
    assert old is not None
    assert new is not None
    difference = format_bytes(abs(old.median - new.median))
    word = "less" if new.median <= old.median else "more"
    yield f"{difference} {word}, of {format_bytes(old.median)}."
    batching = row.candidate.batching
    if batching is not None and batching.threshold_bytes > 0:
        share = batching.largest_payload_bytes / batching.threshold_bytes
        size = format_bytes(batching.largest_payload_bytes)
        count = "One batch" if batching.most == 1 else f"{batching.most} batches, the largest"
        yield f"{count} of {size}, {100 * share:.1f} % of the threshold."
    for other in summary.rows:
        same = (other.binary, other.binary_sha256) == (row.binary, row.binary_sha256)
        if same and other.source != row.source and other.reduction_pct is not None:
            yield f"From source {other.source} the change is {-other.reduction_pct:+.1f} %."
