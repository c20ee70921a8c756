"""The columns of the tables that only the page has: all of a binary, and where a run is from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup, escape

from harness.records import Binary
from harness.reports.cells import describe, exact, known, quantity_cell
from harness.reports.page.binaries import MetricLine
from harness.stats.copies import Line
from harness.stats.labels import inert
from harness.tables import NOTHING, Column
from harness.units import format_bytes

LinkTo = Callable[[str], Markup]
"""Returns the name of a binary, with a link to what the page tells of it."""


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(inert(text))


def _muted(text: str) -> Markup:
    return Markup('<span class="muted">{}</span>').format(text)


def _text(key: str, header: str = "") -> Column[Any]:
    return Column(key, lambda row: str(getattr(row, key)), header=header)


def _count(key: str) -> Column[Any]:
    return Column(key, lambda row: known(getattr(row, key), "count"), kind="number")


def _bytes(key: str, header: str) -> Column[Any]:
    return Column(
        key,
        lambda row: format_bytes(getattr(row, key)),
        kind="number",
        header=header,
        exact=lambda row: exact(getattr(row, key), "byte"),
    )


def corpus_columns(languages: Mapping[str, str], link: LinkTo) -> list[Column[Binary]]:
    """Return the columns of the binaries that a run was about."""
    return [
        Column("binary", lambda one: one.name, html=lambda one: link(one.name), head=True),
        Column("language", lambda one: languages.get(one.name, "unknown")),
        _bytes("size_bytes", "size"),
        Column("sha256", lambda one: one.sha256, html=lambda one: _code(one.sha256), css="whole"),
    ]


def failure_columns(link: LinkTo) -> list[Column[Any]]:
    """Return the columns of replicates that failed, which are rows of `Frames.failures`."""
    return [
        Column("binary", lambda one: one.binary, html=lambda one: link(one.binary), head=True),
        _text("source"),
        Column("arm", lambda one: one.arm or "any"),
        _text("probe"),
        Column("replicate", lambda one: str(one.replicate), kind="number"),
        _text("status", "state"),
        Column("reason", lambda one: str(one.detail), css="reason"),
    ]


def metric_columns(arms: tuple[str, str]) -> list[Column[MetricLine]]:
    """Return the columns of every metric of a case: of each arm its median and all replicates.

    The first arm is empty without a baseline.
    """
    return [
        _text("probe"),
        Column("metric", lambda line: line.metric, html=lambda line: _code(line.metric), head=True),
        *(_arm_columns(arms[0], 0, "old") if arms[0] else ()),
        *_arm_columns(arms[1], 1, "new"),
    ]


def _arm_columns(arm: str, at: int, css: str) -> list[Column[MetricLine]]:
    def median(line: MetricLine) -> str:
        return quantity_cell(found[0]) if (found := line.arms[at]) else "not measured"

    def replicates(line: MetricLine) -> str:
        quantity, values = line.arms[at] or (None, [])
        return f"{len(values)} alike" if quantity and quantity.exact else ", ".join(values)

    return [
        Column(
            f"{css} median",
            median,
            kind="number",
            header=arm,
            html=lambda line: (escape if line.arms[at] else _muted)(median(line)),
            exact=lambda line: describe(found[0]) if (found := line.arms[at]) else "",
            css=css,
        ),
        Column(f"{css} replicates", replicates, header="replicates", css="values"),
    ]


BATCHES: list[Column[Any]] = [
    _text("arm"),
    Column("batch", lambda one: str(one.batch_num), kind="number"),
    _count("scopes"),
    _count("functions"),
    _bytes("raw_bytes", "JSON"),
    _bytes("payload_bytes", "payload"),
    Column(
        "threshold",
        lambda one: format_bytes(one.threshold_bytes) if one.threshold_bytes > 0 else "none",
        kind="number",
    ),
    Column(
        "overshoot",
        lambda one: (
            format_bytes(one.overshoot_bytes)
            if one.threshold_bytes > 0 and not one.final
            else NOTHING
        ),
        kind="number",
    ),
    Column("flushed", lambda one: "at the end" if one.final else "on the way"),
]
"""Batches that were sent: rows of `Frames.batches`."""


def _left_out(delivery: Any) -> str:
    skipped = delivery.skipped if isinstance(delivery.skipped, Mapping) else {}
    told = (f"{known(count, 'count')} x {reason}" for reason, count in skipped.items())
    return "; ".join(told) or "nothing"


DELIVERIES: list[Column[Any]] = [
    _text("arm"),
    _text("status", "state"),
    Column(
        "digest",
        lambda one: one.digest[:12],
        html=lambda one: _code(one.digest[:12]),
        exact=lambda one: one.digest,
    ),
    *map(_count, ("packages", "scopes", "functions", "batches")),
    Column("left out", _left_out),
]
"""What reached the intake, and what extraction left out: rows of `Frames.deliveries`."""


HELD_LINES: list[Column[Line]] = [
    _text("stage"),
    Column(
        "location",
        lambda line: line.location,
        header="allocated at",
        html=lambda line: (_code if line.stage else _muted)(line.location),
        css="long",
    ),
    _bytes("held_bytes", "bytes"),
    Column(
        "payloads",
        lambda line: "" if math.isnan(line.copies) else f"{line.copies:.2f}",
        kind="number",
    ),
]
"""Source lines that hold memory at a peak."""
