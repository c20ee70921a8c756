"""The answer in sentences, before any table: how much less, for what, and for what not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from harness.limits.found import Found
from harness.records import CALL
from harness.stats.claim import CLAIM, ReductionOutcome, judge_overshoot, judge_reduction
from harness.stats.labels import shorten
from harness.stats.summary import Row, Summary
from harness.text import counted
from harness.units import format_bytes, format_exactly

SOURCES = {
    "dwarf": "extraction and pipeline together, as in production",
    "replay": "the pipeline alone, fed from a cache",
    CALL: "callables, each called with the same arguments",
}
_MOST_NAMES = 6
_NAME_WIDTH = 32


def plain_name(name: str) -> str:
    """Return a binary's name as a terminal may show it."""
    return shorten(name, _NAME_WIDTH)


class Finding(Struct, frozen=True):
    """One answer, and what it rests on and does not cover."""

    answer: str
    support: str = ""


class Headline(Struct, frozen=True):
    """Writes sentences about one summary; `name` makes a binary's name fit for where they go."""

    summary: Summary
    name: Callable[[str], str] = plain_name

    def iter_findings(self) -> Iterator[Finding]:
        """Yield what was found: peak heap for each source, limits that are survived, overshoot."""
        if not self.summary.rows:
            yield Finding("No verdict: nothing was measured.")
            return
        for source in self.summary.sources:
            yield self._about_peak(source)
        for source in self.summary.sources:
            yield from self._about_limits(source)
        if self.summary.calls:
            yield from self._iter_unchecked()
        else:
            yield self._about_overshoot()

    def _about_peak(self, source: str) -> Finding:
        where = SOURCES.get(source, f"source {self.name(source)}")
        if self.summary.alone:
            return self._about_one_arm(source, where)
        outcome = judge_reduction(self.summary.of_source(source))
        if outcome.mean_reduction_pct is None:
            return Finding(f"No verdict on {where}.", self._uncounted(outcome))
        old, new = self.summary.baseline, self.summary.candidate
        mean = outcome.mean_reduction_pct
        change = f"{abs(mean):.0f} % {'less' if mean >= 0 else 'more'} peak heap than"
        change = change if round(mean) else "as much peak heap as"
        over = f"over {counted(outcome.counted, *self._inputs)} ({where})"
        answer = f"{self.name(new)} needs {change} {self.name(old)} {over}."
        return Finding(answer, f"{self._verdict(outcome)} {self._uncounted(outcome)}".strip())

    def _about_one_arm(self, source: str, where: str) -> Finding:
        found = [row.candidate.peak for row in self.summary.of_source(source)]
        peaks = sorted(peak.median for peak in found if peak)
        if not peaks:
            return Finding(f"No peak of {self.name(self.summary.candidate)} is known ({where}).")
        ends = dict.fromkeys(format_bytes(end) for end in (peaks[0], peaks[-1]))
        over = f"over {counted(len(peaks), *self._inputs)} ({where})"
        return Finding(
            f"{self.name(self.summary.candidate)} holds {' to '.join(ends)} at its peak {over}.",
            "It was measured alone: nothing is compared.",
        )

    def _about_limits(self, source: str) -> Iterator[Finding]:
        """Say which limits were survived by every arm that was to be tried."""
        rows = self.summary.of_source(source)
        arms = [
            [row.baseline.limit for row in rows if not self.summary.alone],
            [row.candidate.limit for row in rows],
        ]
        known = [[one for one in limits if one and one.edge] for limits in arms]
        old, new = ({one.binary: one for one in limits} for limits in known)
        both = [name for name in new if self.summary.alone or name in old]
        if not both:
            return
        told = f"{self.name(self.summary.candidate)} survives {_limits(new, both)}"
        if not self.summary.alone:
            told += f", {self.name(self.summary.baseline)} {_limits(old, both)}"
        over = f"over {counted(len(both), 'binary', 'binaries')}"
        by = new[both[0]].backend
        where = SOURCES.get(source, f"source {self.name(source)}")
        yield Finding(f"Under a memory limit, {told}, {over} ({where}; limited by {by}).")

    @property
    def _inputs(self) -> tuple[str, str]:
        return ("input", "inputs") if self.summary.calls else ("binary", "binaries")

    def _iter_unchecked(self) -> Iterator[Finding]:
        """Yield why it is not known whether both did the same."""
        for row in self.summary.rows:
            if row.unchecked:
                yield Finding(
                    f"Nothing shows that both did the same over {self.name(row.binary)}.",
                    f"{row.unchecked}.",
                )

    def _verdict(self, outcome: ReductionOutcome) -> str:
        if self.summary.calls:
            more = self._names([row for row in outcome.fails if (row.reduction_pct or 0) < 0])
            return f"It needs more for {more}." if more and len(self.summary.rows) > 1 else ""
        claimed = f"At least {CLAIM.reduction_pct:g} % less"
        if not outcome.fails:
            return f"{claimed} holds for every one."
        exceptions = self._names(outcome.fails, with_change=True)
        if not outcome.holds:
            return f"{claimed} holds for none: {exceptions}."
        if outcome.from_bytes is None:
            holds = self._names(outcome.holds)
            return f"{claimed} holds for {len(outcome.holds)}: {holds}; not for {exceptions}."
        large = [row for row in outcome.holds if (row.raw_bytes or 0) >= outcome.from_bytes]
        smaller = [row for row in outcome.holds if (row.raw_bytes or 0) < outcome.from_bytes]
        also = f" and holds for {self._names(smaller)}" if smaller else ""
        return (
            f"{claimed} holds for all {len(large)} with {format_bytes(outcome.from_bytes)} of JSON "
            f"or more: {self._names(large)}. Below that it fails for {exceptions}{also}."
        )

    def _uncounted(self, outcome: ReductionOutcome) -> str:
        if not outcome.uncounted:
            return ""
        one, many = self._inputs
        count = counted(len(outcome.uncounted), f"{one} proves", f"{many} prove")
        return f"{count} nothing: {self._names(outcome.uncounted)}."

    def _about_overshoot(self) -> Finding:
        outcome = judge_overshoot(self.summary.rows)
        bound = format_bytes(CLAIM.overshoot_bytes)
        if outcome.largest_bytes is None:
            return Finding("No batch reached the threshold: nothing is known of overshoot.")
        largest = f"The largest overshoot of the threshold is {format_bytes(outcome.largest_bytes)}"
        if outcome.fails:
            exceptions = f"Beyond it: {self._names(outcome.fails)}."
            return Finding(f"{largest}, beyond the bound of {bound}.", exceptions)
        seen = counted(len({row.binary for row in outcome.holds}), "binary", "binaries")
        return Finding(f"{largest}, within the bound of {bound}.", f"{seen} reached the threshold.")

    def _names(self, rows: Sequence[Row], *, with_change: bool = False) -> str:
        names = [
            f"{self.name(row.binary)} ({-(row.reduction_pct or 0):+z.1f} %)"
            if with_change
            else self.name(row.binary)
            for row in rows
        ]
        names = list(dict.fromkeys(names))
        more = len(names) - _MOST_NAMES
        return ", ".join([*names[:_MOST_NAMES], f"and {more} more"] if more > 0 else names)


def _limits(found: Mapping[str, Found], binaries: Sequence[str]) -> str:
    """Return the least and the most of the limits that are survived: `14.0 to 18.0 MiB`."""
    edges = [edge.survives_bytes for name in binaries if (edge := found[name].edge)]
    return " to ".join(dict.fromkeys(format_exactly(end) for end in (min(edges), max(edges))))
