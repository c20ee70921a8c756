"""Everything that is known of one binary: each value, each batch, each line at the peak."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from msgspec import Struct, field

from harness.reports.page.attachments import Flame
from harness.reports.report import Report
from harness.stats.copies import Holdings, first_replicates, holdings_by_arm
from harness.stats.curves import Curve, curves_of
from harness.stats.frames import Frames
from harness.stats.growth import LineChange
from harness.stats.quantity import Quantity, replicate_values
from harness.stats.summary import Row, Summary
from harness.units import format_value

MOST_BATCHES = 60


class MetricLine(Struct, frozen=True):
    """One metric as one probe took it; of each arm its summary, and every replicate as printed.

    None where it was not measured.
    """

    probe: str
    metric: str
    arms: tuple[tuple[Quantity, list[str]] | None, ...]


class CaseDetail(Struct, frozen=True):
    """One binary from one source. `batches` are of each arm's first replicate."""

    row: Row
    metrics: tuple[MetricLine, ...]
    batches: tuple[Any, ...]
    batches_left_out: int
    holdings: Mapping[str, Holdings]
    lines: Sequence[LineChange]
    chart: Chart | None
    deliveries: tuple[Any, ...]
    flames: Mapping[str, str] = field(default_factory=dict)


class Detail(Struct, frozen=True):
    """One binary; what the manifest does not say of it is empty."""

    name: str
    anchor: str
    sha256: str
    size_bytes: int | None
    language: str
    cases: tuple[CaseDetail, ...]


def anchors_of(summary: Summary) -> dict[str, str]:
    """Return where on the page each binary is told about; its own name never becomes an anchor."""
    names = dict.fromkeys(row.binary for row in summary.rows)
    return {name: f"binary-{number}" for number, name in enumerate(names, start=1)}


def iter_details(report: Report, flames: Mapping[Flame, str]) -> Iterator[Detail]:
    """Yield every binary that has a row, in the order of the rows."""
    frames = report.frames.of_binaries({row.binary for row in report.shown.rows})
    frames = dataclasses.replace(frames, batches=_first_batches(frames.batches))
    values = replicate_values(frames.samples)
    listed = {one.name: one for one in report.frames.manifest.corpus}
    languages = languages_of(report.frames.deliveries)
    for name, anchor in anchors_of(report.shown).items():
        rows = [row for row in report.shown.rows if row.binary == name]
        entry = listed.get(name)
        yield Detail(
            name=name,
            anchor=anchor,
            sha256=entry.sha256 if entry else rows[0].binary_sha256,
            size_bytes=entry.size_bytes if entry else None,
            language=languages.get(name, ""),
            cases=tuple(_case(report, frames, row, values, flames) for row in rows),
        )


def languages_of(deliveries: pd.DataFrame) -> dict[str, str]:
    """Return the language of each binary, as extraction found it."""
    named = deliveries[deliveries["language"].astype(bool)]
    return dict(zip(named["binary"].tolist(), named["language"].tolist(), strict=True))


def _case(
    report: Report,
    frames: Frames,
    row: Row,
    values: Mapping[tuple[str, ...], list[float]],
    flames: Mapping[Flame, str],
) -> CaseDetail:
    key = (row.binary, row.source)
    batches = frames.rows_of_case("batches", *key)
    peak_probe = frames.metrics.probe(report.summary.metric)
    curves = curves_of(frames.of_case("timeline", *key), peak_probe)
    return CaseDetail(
        row=row,
        metrics=tuple(_iter_metrics(row, values)),
        batches=tuple(batches[:MOST_BATCHES]),
        batches_left_out=max(0, len(batches) - MOST_BATCHES),
        holdings=holdings_by_arm(frames.of_case("copies", *key)),
        lines=report.lines_of(row),
        chart=chart_of(curves),
        deliveries=tuple(frames.rows_of_case("deliveries", *key)),
        flames={
            title: href
            for (binary, source, title), href in flames.items()
            if (binary, source) == key
        },
    )


def _iter_metrics(row: Row, values: Mapping[tuple[str, ...], list[float]]) -> Iterator[MetricLine]:
    for probe, metric in sorted({(q.probe, q.metric) for arm in row.arms for q in arm.quantities}):
        arms = []
        for arm in row.arms:
            quantity = arm.find(metric, probe)
            found = values.get((row.binary, row.source, arm.name, probe, metric), ())
            printed = [format_value(value, quantity.unit) for value in found] if quantity else []
            arms.append((quantity, printed) if quantity else None)
        yield MetricLine(probe, metric, tuple(arms))


def _first_batches(batches: pd.DataFrame) -> pd.DataFrame:
    """Return each batch of each arm's first replicate once; other replicates repeat them."""
    once = first_replicates(batches).drop_duplicates(["binary", "source", "arm", "batch_num"])
    return once.sort_values(["arm", "batch_num"], kind="stable")


_FEWEST_POINTS = 5


class Chart(Struct, frozen=True):
    """Both arms on one scale, each over the whole of its own run.

    `lines` are SVG points by arm, with y growing downwards. Seconds would be the probe's.
    """

    lines: tuple[tuple[str, str], ...]
    peak_bytes: int
    probe: str


def chart_of(curves: Sequence[Curve]) -> Chart | None:
    """Return the chart of these curves, or None where there were too few looks to draw a line."""
    peak = max((curve.peak_bytes for curve in curves), default=0)
    shortest = min((curve.seconds for curve in curves), default=0.0)
    if peak <= 0 or shortest <= 0 or min(len(curve.points) for curve in curves) < _FEWEST_POINTS:
        return None
    lines = tuple((curve.arm, _points(curve, peak)) for curve in curves)
    return Chart(lines, peak, curves[0].probe)


def _points(curve: Curve, peak_bytes: int) -> str:
    return " ".join(
        f"{100 * at_s / curve.seconds:.1f},{100 - 100 * heap / peak_bytes:.1f}"
        for at_s, heap in curve.points
    )
