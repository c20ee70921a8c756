"""The columns of the tables that show a summary, for the terminal, Markdown and the page alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape
from msgspec import Struct
from msgspec.structs import replace

from harness.limits.found import PROBE
from harness.records import ON_DISK, Manifest
from harness.reports import cells
from harness.stats.copies import Held
from harness.stats.labels import plain
from harness.stats.metrics import Metrics
from harness.stats.quantity import Quantity
from harness.stats.summary import RATIOS, ArmSummary, Row, Summary
from harness.tables import NOTHING, Column, pick, turn

_NAME_WIDTH = 24
# Which columns each place shows, in its order.
TERMINAL = "binary baseline candidate change batches overshoot same copies"
TERMINAL_LIMITED = "binary baseline candidate change batches limit same copies"
MARKDOWN = (
    "binary baseline candidate aside change limit batches overshoot copies same"
    " wall_ratio cpu_ratio rss_ratio"
)
PAGE = (
    "binary source change baseline candidate aside state limit batches overshoot copies same"
    " wall_ratio cpu_ratio rss_ratio"
)
CALLED = "binary baseline candidate change same wall_ratio"
_LIVE = "binary source baseline candidate change batches overshoot same"
_OF_UPLOADS = {"source", "batches", "overshoot", "copies"}
_LIVE_WIDTHS = {"binary": 17, "source": 6}
_RATIOS = {"wall": "Wall time", "CPU": "CPU time", "RSS": "Peak RSS"}
_COMPARING = {"change", "baseline", "same", *(f"{name.lower()}_ratio" for name in _RATIOS)}


def summary_columns(summary: Summary, held: Sequence[Held] = ()) -> list[Column[Row]]:
    """Return every column of a summary that has something to show; each format picks its own.

    Without a baseline, there is no column that compares; of callables, none about batches.
    """
    left_out = _COMPARING if summary.alone else set()
    left_out = left_out if summary.is_limited else {*left_out, "limit"}
    left_out = left_out if summary.aside else {*left_out, "aside"}
    left_out = {*left_out, *_OF_UPLOADS} if summary.calls else left_out
    return [one for one in _summary_columns(summary, held) if one.key not in left_out]


def _summary_columns(summary: Summary, held: Sequence[Held]) -> list[Column[Row]]:
    arms = old, new = summary.arms
    return [
        Column(
            "binary",
            lambda row: row.binary,
            kind="name",
            header="input" if summary.calls else "binary",
            sort=lambda row: row.binary,
            most=_NAME_WIDTH,
            css="sticky",
            head=True,
        ),
        Column("source", lambda row: row.source, kind="name"),
        Column(
            "change",
            cells.change_cell,
            kind="number",
            sort=lambda row: None if row.reduction_pct is None else -row.reduction_pct,
            rising=True,
            style=_change_style,
            hint=f"Change of peak heap from {old} to {new}",
            css="wide",
            least=8,
        ),
        _peak_column("baseline", arms, "old"),
        _peak_column("candidate", arms, "new"),
        _aside_column(summary),
        Column(
            "batches",
            lambda row: cells.batches_cell(row, alone=not old),
            kind="number",
            sort=lambda row: None if (found := row.candidate.batching) is None else found.most,
            hint=f"Batches sent: {turn(old, new) if old else new}",
            least=8,
        ),
        Column(
            "overshoot",
            cells.overshoot_cell,
            kind="number",
            long="largest overshoot",
            sort=lambda row: row.overshoot_bytes,
            hint="Largest overshoot of the threshold",
            least=9,
        ),
        Column(
            "limit",
            lambda row: cells.limit_cell(row, alone=not old),
            kind="number",
            header="limit MiB",
            long="survived limit, MiB",
            sort=_survived_bytes,
            hint=f"Smallest limit that is survived, in MiB: {turn(old, new) if old else new}",
        ),
        _copies_column(arms, held),
        Column(
            "same",
            cells.same_cell,
            long="same output" if summary.calls else "same scopes",
            style=lambda row: "" if row.same_output else "red",
            hint="Did both do the same?"
            if summary.calls
            else "Did both arms deliver the same scopes?",
            align="right",
            least=4,
        ),
        *(_ratio_column(header, arms) for header in _RATIOS),
    ]


class OtherMetric(Struct, frozen=True):
    """A metric of one row that no column of the summary shows."""

    row: Row
    probe: str
    metric: str


def other_metrics(rows: Iterable[Row]) -> list[OtherMetric]:
    """Return what no other column shows, by metric, as far as it is compared by default.

    Of a probe that is not ours, whatever it measures.
    """
    ours, found = Metrics(Manifest()), []
    for row in rows:
        measured = {(one.metric, one.probe) for arm in row.arms for one in arm.quantities}
        found += [
            OtherMetric(row, probe, metric)
            for metric, probe in measured
            if probe != PROBE and not _is_shown_elsewhere(metric, ours)
        ]
    return sorted(found, key=lambda one: (one.metric, one.probe))


def _is_shown_elsewhere(name: str, ours: Metrics) -> bool:
    metric = ours[name]
    return name in RATIOS or (name in ours and (metric.peak_rank > 0 or not metric.compared))


def other_columns(summary: Summary) -> list[Column[OtherMetric]]:
    """Return the columns of the table of `other_metrics`: what each arm measured."""
    columns = [
        Column[OtherMetric]("metric", lambda one: one.metric, kind="name"),
        Column(
            "binary",
            lambda one: one.row.binary,
            kind="name",
            header="input" if summary.calls else "binary",
            most=_NAME_WIDTH,
        ),
        Column("source", lambda one: one.row.source, kind="name"),
        _other_column("baseline", summary.arms),
        _other_column("candidate", summary.arms),
    ]
    left_out = {"baseline"} if summary.alone else set()
    left_out |= {"source"} if summary.calls else set()
    return [one for one in columns if one.key not in left_out]


def _other_column(key: str, arms: tuple[str, str]) -> Column[OtherMetric]:
    def cell(one: OtherMetric) -> str:
        arm: ArmSummary = getattr(one.row, key)
        return cells.quantity_cell(arm.find(one.metric, one.probe))

    arm, short = cells.heading(key, arms)
    return Column(key, cell, kind="number", header=arm, short=short, least=10)


def live_columns(summary: Summary) -> list[Column[Row]]:
    """Return the columns of rows that are printed as they finish, of widths known before."""
    return [
        replace(column, least=_LIVE_WIDTHS.get(column.key, column.least))
        for column in pick(summary_columns(summary), _LIVE)
    ]


def _peak_column(key: str, arms: tuple[str, str], css: str) -> Column[Row]:
    arm, short = cells.heading(key, arms)

    def of(row: Row) -> ArmSummary:
        return row.baseline if key == "baseline" else row.candidate

    return Column(
        key,
        lambda row: cells.peak_cell(row, of(row)),
        kind="number",
        header=f"{arm} peak",
        short=short,
        markdown=lambda row: plain(cells.peak_cell(row, of(row), spread=True)),
        sort=lambda row: None if (peak := of(row).peak) is None else peak.median,
        exact=lambda row: cells.describe(peak) if (peak := of(row).peak) else "",
        style=lambda row: "" if of(row).peak else "red",
        css=f"wide {css}",
        least=10,
    )


def _aside_column(summary: Summary) -> Column[Row]:
    """Return the peak of what is compared with nothing: the candidate, its batches on disk."""

    def of(row: Row) -> Quantity | None:
        return next(
            (one.peak for one in row.aside if one.name == summary.candidate + ON_DISK), None
        )

    return Column(
        "aside",
        lambda row: cells.quantity_cell(of(row)),
        kind="number",
        header=f"{summary.candidate} peak, disk sink",
        short="on disk",
        sort=lambda row: None if (peak := of(row)) is None else peak.median,
        exact=lambda row: cells.describe(peak) if (peak := of(row)) else "",
        hint=f"Peak heap of {summary.candidate} with its batches in a temporary file",
        css="num wide",
        least=10,
    )


def _copies_column(arms: tuple[str, str], held: Sequence[Held]) -> Column[Row]:
    totals = {(one.binary, one.source, one.arm): one.total for one in held}

    def total(row: Row, arm: ArmSummary) -> float | None:
        return totals.get((row.binary, row.source, arm.name))

    def cell(row: Row) -> str:
        found = (total(row, arm) for arm in row.arms)
        old, new = (NOTHING if one is None else f"{one:.1f}" for one in found)
        return turn(old, new) if arms[0] else new

    return Column(
        "copies",
        cell,
        kind="number",
        sort=lambda row: total(row, row.baseline),
        hint=f"Whole copies of the payload at the peak: {turn(*arms) if arms[0] else arms[1]}",
        least=10,
    )


def _ratio_column(header: str, arms: tuple[str, str]) -> Column[Row]:
    name = header.lower()

    def ratio(row: Row) -> float | None:
        found: float | None = getattr(row, f"{name}_ratio")
        return found

    return Column(
        f"{name}_ratio",
        lambda row: " ".join(cells.ratio_parts(ratio(row), getattr(row, f"{name}_interval"))),
        kind="number",
        header=header,
        html=lambda row: _stacked(*cells.ratio_parts(ratio(row), getattr(row, f"{name}_interval"))),
        sort=ratio,
        hint=f"{_RATIOS[header]}, {arms[1]} over {arms[0]}, with its 90 % interval",
    )


def _stacked(value: str, interval: str = "") -> Markup:
    narrow = interval.strip("()").replace(" to ", "\N{EN DASH}")
    below = Markup('<span class="interval">{}</span>').format(narrow) if narrow else ""
    return escape(value) + below


def _change_style(row: Row) -> str:
    if not row.counts or row.reduction_pct is None:
        return "dim"
    return "green" if row.reduction_pct > 0 else "yellow"


def _survived_bytes(row: Row) -> int | None:
    found = row.candidate.limit
    return found.edge.survives_bytes if found and found.edge else None
