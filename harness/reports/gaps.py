"""What a reader must not overlook: rows that prove nothing, and what was never measured."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from harness.records import Manifest
from harness.stats.claim import judge_reduction
from harness.stats.summary import Row, Summary
from harness.text import first_cause
from harness.units import format_bytes, format_value

Remark = tuple[str, str, str]
"""What is to be told, of which binary, from which source."""


def group_doubts(summary: Summary) -> dict[str, list[str]]:
    """Return by doubt the binaries that it is about, in the order of the rows.

    A doubt that comes of a failure has the cause of the first one.
    """
    causes: dict[str, dict[str, None]] = {}
    for failure in (one for row in summary.rows for one in row.failures):
        causes.setdefault(failure.doubt, {})[first_cause(failure.detail)] = None
    return _grouped(
        (_with_cause(doubt, list(causes.get(doubt, ()))), row.binary, row.source)
        for row in summary.rows
        for doubt in row.doubts
    )


def group_gaps(summary: Summary, manifest: Manifest) -> dict[str, list[str]]:
    """Return what was not measured, each with the binaries concerned; none named means all.

    A binary without any peak is not listed metric by metric: its failure says it.
    """
    found: dict[str, list[str]] = {}
    if manifest.unfinished:
        found[manifest.unfinished] = []
    corpus = dict.fromkeys(one.name for one in manifest.corpus)
    for message in manifest.not_measured:
        what, binaries = _taken_apart(message, corpus)
        found.setdefault(what, []).extend(binaries)
    seen = {row.binary for row in summary.rows}
    unseen = [binary for binary in corpus if binary not in seen]
    if unseen:
        found["nothing was recorded"] = unseen
    lacking = [
        (what, row.binary, row.source)
        for row in summary.rows
        if row.baseline.peak or row.candidate.peak
        for what in row.unmeasured
    ]
    unknown = [
        (f"the limit of {arm.name}, {arm.limit.problem}", row.binary, row.source)
        for row in summary.rows
        for arm in row.arms
        if arm.limit and arm.limit.problem and arm.peak
    ]
    return found | _grouped(lacking + unknown)


def measured(summary: Summary) -> list[tuple[str, str, str, int, str]]:
    """Return what was measured: source, probe, metric, in how many cases, how often in each.

    A case is one arm of one row.
    """
    counts: dict[tuple[str, str, str], list[int]] = {}
    for row in summary.rows:
        for arm in row.arms:
            for quantity in arm.quantities:
                key = (row.source, quantity.probe, quantity.metric)
                counts.setdefault(key, []).append(quantity.replicates)
    return [
        (*key, len(found), " to ".join(map(str, sorted({min(found), max(found)}))))
        for key, found in sorted(counts.items())
    ]


def iter_modes(summary: Summary) -> Iterator[str]:
    """Yield each quantity whose values fall into groups: the median is in one of them."""
    found = (
        (one, f"{one.metric} of {arm.name} over {row.binary} (source {row.source})")
        for row in summary.rows
        for arm in row.arms
        for one in arm.quantities
        if one.modes
    )
    for one, what in found:
        at = ", ".join(format_value(mode, one.unit) for mode in one.modes)
        yield (
            f"{what} has modes at {at}: {one.replicates} replicates with other hash seeds and "
            "environments fall into these groups, and each group repeats."
        )


def _with_cause(doubt: str, causes: list[str]) -> str:
    first = ", the first: " if len(causes) > 1 else ": "
    return first.join([doubt, *filter(None, causes[:1])])


def _taken_apart(message: str, corpus: Container[str]) -> tuple[str, list[str]]:
    """Take `<what> of <binary>: <reason>` apart, so that equal gaps are told together."""
    what, _, rest = message.partition(" of ")
    binary, _, reason = rest.rpartition(": ")
    return (f"{what}, {reason}", [binary]) if binary in corpus else (message, [])


def _grouped(remarks: Iterable[Remark]) -> dict[str, list[str]]:
    """Put together what is said of several binaries, and of several sources of one."""
    sources: dict[tuple[str, str], list[str]] = {}
    for what, binary, source in remarks:
        sources.setdefault((what, binary), []).append(source)
    found: dict[str, list[str]] = {}
    for (what, binary), of in sources.items():
        found.setdefault(f"{what} (source {' and '.join(of)})", []).append(binary)
    return found


def iter_exceptions(summary: Summary) -> Iterator[tuple[Row, str]]:
    """Yield each row that counts and falls short of the claimed reduction, with what is known.

    Of callables nothing is claimed.
    """
    for source in summary.sources if summary.claimed else ():
        for row in judge_reduction(summary.of_source(source)).fails:
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
            yield f"From source {other.source} the change is {-other.reduction_pct:+z.1f} %."
