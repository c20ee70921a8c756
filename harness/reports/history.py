"""Trends in a terminal: where each metric changed, and at which commit."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from harness.stats.labels import inert, shorten
from harness.stats.trends import LevelChange, Trend
from harness.units import format_value

_NAME_WIDTH = 24
_MOST_TRENDS = 60


def print_history(
    trends: Sequence[Trend], runs: int, console: Console, *, everything: bool
) -> None:
    """Print the trends that changed most, with `everything` all of them."""
    changed = [trend for trend in trends if trend.changes]
    shown = trends if everything else _largest(changed)
    for trend in shown:
        name = (trend.binary, trend.source, trend.arm, trend.metric)
        console.print(Text(" ".join(shorten(word, _NAME_WIDTH) for word in name), "bold"))
        for line in _lines(trend):
            console.print(Text(f"  {line}"), soft_wrap=True)
    if left_out := len(changed) - len(shown) if not everything else 0:
        console.print(f"{left_out:,} more that changed less: --all or --json has them")
    still = len(trends) - len(changed)
    console.print(f"{runs} runs, {len(trends)} metrics of experiments, {still} without a change")
    for remark in sorted({remark for trend in trends for remark in trend.remarks}):
        concerned = sum(remark in trend.remarks for trend in trends)
        console.print(Text(f"{concerned} x {remark}"))


def _largest(changed: list[Trend]) -> list[Trend]:
    """Return all, or of many those that changed most, the largest change first."""
    if len(changed) <= _MOST_TRENDS:
        return changed
    return sorted(changed, key=lambda one: -one.largest_change_pct)[:_MOST_TRENDS]


def _lines(trend: Trend) -> list[str]:
    if not trend.changes:
        level = format_value(trend.runs[-1].level, trend.unit)
        return [f"{'no change':>12}  {level:>10}"]
    return [_line(trend, change) for change in trend.changes]


def _line(trend: Trend, change: LevelChange) -> str:
    since, at = trend.run(change.since_run_id), trend.run(change.run_id)
    level = format_value(at.level, trend.unit)
    why = f"; declared break: {'; '.join(change.reasons)}" if change.reasons else ""
    by = f"{change.percent:+.3g} %"
    return inert(f"{by:>12}  {level:>10}  at {at.name}, after {since.name}{why}")
