"""One row per binary and source: what two pipelines held at their peaks, and what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct, field, structs

from harness.limits.found import Found
from harness.records import CALL, DIFFERENT, DIFFERENT_CALLS, Manifest
from harness.stats.batches import Batching, batching_of
from harness.stats.doubts import (
    Failure,
    iter_doubts,
    iter_failures,
    iter_unmeasured,
    same_output,
    unchecked_of,
)
from harness.stats.frames import Frames, rows_by_case, succeeded
from harness.stats.limits import found_limits
from harness.stats.quantity import Quantity, quantities_of
from harness.stats.ratio import Interval, Ratio, bare_ratios
from harness.stats.repeat import repeat_command

_ARMS = ("legacy", "streaming")
_CASE = ["binary", "source"]
RATIOS = ("wall", "cpu", "rss_peak")
"""Metrics that a row has as ratios."""


class ArmSummary(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was measured of one pipeline over one binary and source. None means not measured.

    `limit` is what is known of the memory limit under which it still delivers.
    """

    name: str = field(name="arm")
    peak: Quantity | None = None
    batching: Batching | None = field(default=None, name="batches")
    quantities: tuple[Quantity, ...] = field(default=(), name="metrics")
    limit: Found | None = None

    def find(self, metric: str, probe: str) -> Quantity | None:
        """Return one metric as one probe measured it."""
        wanted = (q for q in self.quantities if (q.metric, q.probe) == (metric, probe))
        return next(wanted, None)


class Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two pipelines over one binary and source; its fields are those of the JSON document.

    `reduction_pct` is how much less the candidate holds, in per cent of the baseline, negative when
    more. It is None when either peak is missing, or when the arms did not deliver the same scopes:
    then the two numbers belong to different work, and `raw_bytes`, how much JSON was delivered, is
    None too. `binary_sha256` is empty when the binary changed during the run.

    Ratios are candidate over baseline, None where either was not measured. Their 90 % intervals are
    None with one replicate of either, or where those of each arm agree but the arms do not.

    `same_output` is None when nobody checked; `unchecked` says why nobody could check what two
    callables did. A verdict may rest on the row if it `counts`; `doubts` are why the two peaks must
    not be compared. `unmeasured` was asked for by default and is not there. `repeat` is the command
    that measures this row again, alone. `aside` are the peaks of arms that are compared with none,
    like the candidate's with its batches on disk.
    """

    binary: str
    binary_sha256: str
    source: str
    baseline: ArmSummary
    candidate: ArmSummary
    reduction_pct: float | None
    wall_ratio: float | None
    cpu_ratio: float | None
    rss_ratio: float | None
    raw_bytes: int | None
    wall_interval: Interval | None
    cpu_interval: Interval | None
    rss_interval: Interval | None
    same_output: bool | None
    unchecked: str
    counts: bool
    doubts: tuple[str, ...]
    failures: tuple[Failure, ...]
    unmeasured: tuple[str, ...]
    repeat: str
    aside: tuple[ArmSummary, ...] = ()

    @property
    def arms(self) -> tuple[ArmSummary, ArmSummary]:
        """The baseline and the candidate."""
        return self.baseline, self.candidate

    def why_missing(self, arm: ArmSummary) -> str:
        """Return the status of what failed in an arm, or in both, or `missing`."""
        return next((f.status for f in self.failures if f.arm in (arm.name, "")), "missing")

    @property
    def overshoot_bytes(self) -> int | None:
        """How far the candidate's worst batch went past the threshold; None if none reached it."""
        batching = self.candidate.batching
        return None if batching is None else batching.largest_overshoot_bytes


class Summary(Struct, frozen=True):
    """Every row, by source and then by the baseline's peak; `metric` defines all of the peaks.

    Where the candidate is `alone`, nobody asked for the baseline, and nothing is compared.
    """

    metric: str
    baseline: str
    candidate: str
    rows: tuple[Row, ...]
    alone: bool = False

    @property
    def arms(self) -> tuple[str, str]:
        """The names of the baseline and of the candidate; the first is empty without one."""
        return "" if self.alone else self.baseline, self.candidate

    @property
    def aside(self) -> tuple[str, ...]:
        """The names of the arms that are compared with none."""
        return tuple(dict.fromkeys(arm.name for row in self.rows for arm in row.aside))

    @property
    def is_limited(self) -> bool:
        """Whether memory limits were tried anywhere."""
        return any(arm.limit for row in self.rows for arm in row.arms)

    @property
    def claimed(self) -> bool:
        """Whether the claim under test is about it: two pipelines over the same uploads."""
        return not (self.alone or self.calls)

    @property
    def calls(self) -> bool:
        """Whether callables were measured, and no upload."""
        return self.sources == (CALL,)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that have rows, in order."""
        return tuple(dict.fromkeys(row.source for row in self.rows))

    def of_source(self, source: str) -> tuple[Row, ...]:
        """Return the rows of one source, in order."""
        return tuple(row for row in self.rows if row.source == source)


def summarise(frames: Frames) -> Summary:
    """Return one row for each binary and source; of the same frames it is worked out once.

    The peak is by the best definition that the run measured at all. A row that lacks it has none,
    even if it has another.
    """
    if not frames.summaries:
        metric, arms = best_peak(frames), compared_arms(frames.manifest)
        rows = tuple(sorted(_iter_rows(frames, arms, metric), key=_order))
        asked = {arm.name for arm in frames.manifest.options.arms}
        alone = bool(asked) and arms[0] not in asked
        frames.summaries.append(Summary(metric, *arms, rows, alone))
    return frames.summaries[0]


def compared_arms(manifest: Manifest) -> tuple[str, str]:
    """Return the arm to compare with and the one to judge: the first and the last of a run.

    Thresholds of one pipeline are neither old nor new: then it is legacy and streaming. A pipeline
    alone is the one to judge, and what it might be compared with was not asked for.
    """
    arms = manifest.options.arms
    if has_two_sides(manifest):
        return arms[0].name, arms[-1].name
    if len(arms) == 1:
        return next(name for name in _ARMS if name != arms[0].name), arms[0].name
    return _ARMS


def has_two_sides(manifest: Manifest) -> bool:
    """Tell whether a run compares code: a callable with itself too, but no settings of one."""
    arms = manifest.options.arms
    return len(arms) > 1 if manifest.kind == CALL else len({arm.code for arm in arms}) > 1


def best_peak(frames: Frames) -> str:
    """Return the best definition of peak heap that a run has values of."""
    measured, peaks = set(succeeded(frames.samples)["metric"].unique()), frames.metrics.peaks
    return next((metric for metric in peaks if metric in measured), peaks[0])


def _order(row: Row) -> tuple[str, bool, float, str]:
    peak = row.baseline.peak or row.candidate.peak
    return (row.source, peak is None, peak.median if peak else 0.0, row.binary)


def _iter_rows(frames: Frames, arms: tuple[str, str], metric: str) -> Iterator[Row]:
    quantities, batching = quantities_of(frames.samples), batching_of(frames.batches)
    tables = [rows_by_case(table) for table in (frames.failures, frames.deliveries)]
    defined = (metric, frames.metrics.probe(metric))
    inputs = frames.samples[[*_CASE, "binary_sha256"]].drop_duplicates().sort_values(_CASE)
    ratios = bare_ratios(frames.samples, arms, RATIOS)
    limits = {(one.binary, one.source, one.arm): one for one in found_limits(frames)}
    aside: dict[tuple[str, str], list[ArmSummary]] = {}
    for (binary, source, name), measured in quantities_of(frames.aside).items():
        aside.setdefault((binary, source), []).append(_arm(name, measured, None, defined))
    for case, found in rows_by_case(inputs).items():
        failures, deliveries = (table.get(case, ()) for table in tables)
        old, new = (
            structs.replace(
                _arm(name, quantities.get((*case, name), ()), batching.get((*case, name)), defined),
                limit=limits.get((*case, name)),
            )
            for name in arms
        )
        facts = _CaseFacts(
            failures=tuple(iter_failures(failures, arms)),
            same=same_output(deliveries, arms),
            unchecked=unchecked_of(deliveries, arms),
            raw_bytes=_delivered(deliveries, arms),
            digests=sorted(str(row.binary_sha256) for row in found),
            ratios=[ratios.get((*case, metric), Ratio()) for metric in RATIOS],
            aside=tuple(aside.get(case, ())),
        )
        yield _row(frames, case, (old, new), metric, facts)


class _CaseFacts(Struct, frozen=True):
    """What is known of a row beside its two arms."""

    failures: tuple[Failure, ...]
    same: bool | None
    unchecked: str
    raw_bytes: int | None
    digests: list[str]
    ratios: list[Ratio]
    aside: tuple[ArmSummary, ...]


def _row(
    frames: Frames,
    case: tuple[str, str],
    arms: tuple[ArmSummary, ArmSummary],
    metric: str,
    facts: _CaseFacts,
) -> Row:
    (old, new), failures, same, digests = arms, facts.failures, facts.same, facts.digests
    defined = (metric, frames.metrics.probe(metric))
    # Of an arm that nobody asked for, nothing is missing.
    named = {arm.name for arm in frames.manifest.options.arms}
    asked = tuple(arm for arm in arms if arm.name in named or not named)
    unchecked = facts.unchecked if same is None and len(asked) > 1 else ""
    known = same if not unchecked else True
    doubts = tuple(iter_doubts(asked, failures, known, defined, len(digests)))
    if case[1] == CALL:
        doubts = tuple(DIFFERENT_CALLS if doubt == DIFFERENT else doubt for doubt in doubts)
    reduction_pct = None if same is False else _reduction(old.peak, new.peak)
    wall, cpu, rss = facts.ratios
    return Row(
        binary=case[0],
        binary_sha256=digests[0] if len(digests) == 1 else "",
        source=case[1],
        baseline=old,
        candidate=new,
        reduction_pct=reduction_pct,
        raw_bytes=facts.raw_bytes if same else None,
        wall_ratio=wall.value,
        cpu_ratio=cpu.value,
        rss_ratio=rss.value,
        wall_interval=wall.interval,
        cpu_interval=cpu.interval,
        rss_interval=rss.interval,
        same_output=same,
        unchecked=unchecked,
        counts=not doubts and reduction_pct is not None,
        doubts=doubts,
        failures=failures,
        unmeasured=tuple(iter_unmeasured(asked, frames.metrics, metric, calls=case[1] == CALL)),
        repeat=repeat_command(frames.manifest, case, [arm.name for arm in asked]),
        aside=facts.aside,
    )


def _arm(
    name: str, quantities: tuple[Quantity, ...], batching: Batching | None, defined: tuple[str, str]
) -> ArmSummary:
    metric, probe = defined
    peaks = [q for q in quantities if q.metric == metric and probe in ("", q.probe)]
    peak = peaks[0] if len(peaks) == 1 else None
    return ArmSummary(name=name, peak=peak, batching=batching, quantities=quantities)


def _reduction(baseline: Quantity | None, candidate: Quantity | None) -> float | None:
    """Return by how many per cent a peak is smaller; 7 of 100 bytes are 7 % and no less."""
    if baseline is None or candidate is None or baseline.median <= 0:
        return None
    return 100 * (baseline.median - candidate.median) / baseline.median


def _delivered(deliveries: Iterable[Any], arms: tuple[str, str]) -> int | None:
    """Return how much JSON reached the intake, for the size of what a row is about."""
    good = (row for row in deliveries if row.arm in arms and row.status == "ok")
    return int(max((row.raw_bytes for row in good if row.raw_bytes > 0), default=0)) or None
