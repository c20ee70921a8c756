"""What each probe makes of time and memory, so that nobody takes a traced time for a real one."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean

from harness.records import Cell, Overhead, Record

_CPU, _CPU_TRACED = "cpu", "cpu_under_probe"
_RSS, _RSS_TRACED = "rss_peak", "rss_under_probe"


def overheads(records: Iterable[Record]) -> dict[str, Overhead]:
    """Return the overhead of each probe."""
    values = _means(records)
    probes = sorted({probe for probe, metric, _ in values if metric == _CPU_TRACED})
    found = {probe: _overhead(values, probe) for probe in probes}
    return {probe: overhead for probe, overhead in found.items() if overhead is not None}


def _means(records: Iterable[Record]) -> dict[tuple[str, str, Cell], float]:
    """Return the mean over replicates by probe, metric and cell; untraced ones by probe ""."""
    grouped: dict[tuple[str, str, Cell], list[float]] = {}
    for record in records:
        job = record.job
        for metric, value in record.values.items() if record.status == "ok" else ():
            probe = job.probe if metric in {_CPU_TRACED, _RSS_TRACED} else ""
            key = (probe, metric, job.cell)
            grouped.setdefault(key, []).append(value)
    return {key: mean(found) for key, found in grouped.items()}


def _overhead(values: dict[tuple[str, str, Cell], float], probe: str) -> Overhead | None:
    cells = [
        cell
        for name, metric, cell in values
        if (name, metric) == (probe, _CPU_TRACED) and ("", _CPU, cell) in values
    ]
    untraced_s = sum(values["", _CPU, cell] for cell in cells)
    if not untraced_s:
        return None
    traced_s = sum(values[probe, _CPU_TRACED, cell] for cell in cells)
    rises = [values[probe, _RSS_TRACED, cell] - values["", _RSS, cell] for cell in cells]
    return Overhead(cpu_factor=traced_s / untraced_s, rss_bytes=mean(rises), cells=len(cells))
