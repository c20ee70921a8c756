"""Put the page together: templates that escape everything, and a policy should one of them not."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from harness.reports.beside import held_at, line_columns
from harness.reports.cells import exact, share
from harness.reports.gate import cells
from harness.reports.headline import Headline, plain_name
from harness.reports.markdown import templates_in
from harness.reports.meaning import as_html
from harness.reports.page import tables
from harness.reports.page.attachments import Flame, GateReport, Picture
from harness.reports.page.binaries import anchors_of, iter_details, languages_of
from harness.reports.page.results import gate_columns, result_columns
from harness.reports.page.verdict import Standing, iter_alarms, iter_judgements, row_standing
from harness.reports.report import Report, facts_of
from harness.stats.labels import inert, shorten
from harness.stats.summary import Summary
from harness.tables import html_cells, html_head, html_table
from harness.text import json_bytes
from harness.units import format_bytes, format_seconds

_TEMPLATES = "templates/page"
_NAME_WIDTH = 60
# Unicode marks, which no name has any more once it was made inert.
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
_MOST_FAILURES = 500


def render_page(
    report: Report,
    pictures: Iterable[Picture] = (),
    gate: GateReport = GateReport(),  # noqa: B008  immutable
    flames: Mapping[Flame, str] = MappingProxyType({}),
) -> str:
    """Return the whole page as one HTML document that refers to nothing outside itself.

    `flames` has the address of each flame graph, relative to the page. `pictures` are asked for
    last: they may still be drawn while the rest is worked out.
    """
    environment = _environment()
    style, script = (_asset(environment, name) for name in ("page.css", "page.js"))
    return environment.get_template("page.html.j2").render(
        style=style,
        script=script,
        policy=_policy(style, script),
        **facts_of(report),
        **_about_run(report, gate),
        **_about_tables(report, environment.get_template("parts.html.j2").module),
        details=list(iter_details(report, flames)),
        pictures=sorted(pictures, key=lambda one: one.name != "peak_heap"),
    )


def _about_run(report: Report, gate: GateReport) -> dict[str, Any]:
    manifest, frames = report.frames.manifest, report.frames
    anchors, whole = anchors_of(report.shown), report.shown is report.summary
    corpus = [one for one in manifest.corpus if whole or one.name in anchors]
    return {
        "corpus": corpus,
        "corpus_left_out": len(manifest.corpus) - len(corpus),
        "failed": list(frames.failures.head(_MOST_FAILURES).itertuples(index=False)),
        "failed_left_out": max(0, len(frames.failures) - _MOST_FAILURES),
        "gate": gate,
        "alarms": list(iter_alarms(report, gate)),
        "rest": _rest(report.summary, report.shown),
        "anchors": anchors,
        "findings": list(Headline(report.summary, _isolate).iter_findings()),
        "judgements": list(iter_judgements(report.summary)),
    }


def _about_tables(report: Report, parts: Any) -> dict[str, Any]:
    """Return the columns of the tables that lead to a binary."""
    anchors = anchors_of(report.shown)

    def link(name: str) -> Markup:
        shown: Markup = parts.binary(name)
        anchor = anchors.get(name)
        return Markup('<a href="#{}">{}</a>').format(anchor, shown) if anchor else shown

    return {
        "columns": result_columns(report.shown, report.held, link, parts),
        "gate_columns": gate_columns(link),
        "corpus_columns": tables.corpus_columns(languages_of(report.frames.deliveries), link),
        "failure_columns": tables.failure_columns(link),
    }


def _rest(summary: Summary, shown: Summary) -> Markup:
    """Return the rows that are not listed, for the search: no tag can be in it."""
    listed = {row.binary for row in shown.rows}
    rows = [
        (inert(row.binary), row.source, *(arm.peak and arm.peak.median for arm in row.arms),
         None if row.reduction_pct is None else round(-row.reduction_pct, 1), row.counts)
        for row in summary.rows if row.binary not in listed
    ]  # fmt: skip
    return Markup(json_bytes(rows).decode().replace("<", r"\u003c"))  # noqa: S704  escaped here


@cache
def _environment() -> Environment:
    environment = templates_in(_TEMPLATES, finalize=_finalize, autoescape=True)
    environment.filters.update(
        isolated=_isolated,
        name=lambda text: shorten(text, _NAME_WIDTH),
        size=format_bytes,
        as_html=as_html,
        duration=format_seconds,
        gravest=cells.gravest,
        exact=exact,
        share=share,
    )
    environment.globals.update(
        cells=cells,
        tables=tables,
        Standing=Standing,
        row_standing=row_standing,
        html_head=html_head,
        html_cells=html_cells,
        held_at=held_at,
        html_table=html_table,
        line_columns=line_columns,
    )
    return environment


def _finalize(value: Any) -> Any:
    """Spell out what acts instead of showing: escaping makes HTML safe, not what it says."""
    return inert(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _isolate(name: str) -> str:
    """Return a name between marks, in which a sentence around it will have <bdi>."""
    return f"{_FIRST_STRONG_ISOLATE}{plain_name(name)}{_POP_ISOLATE}"


def _isolated(sentence: str) -> Markup:
    """Return a sentence in which the direction of a name's letters stays the name's own affair."""
    escaped = escape(sentence).replace(_FIRST_STRONG_ISOLATE, Markup("<bdi>"))
    return escaped.replace(_POP_ISOLATE, Markup("</bdi>"))


def _asset(environment: Environment, name: str) -> Markup:
    """Return one of our own files, which goes into the page as it is."""
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    return Markup(source)  # noqa: S704  ours, and nothing is put into it


def _policy(style: Markup, script: Markup) -> str:
    """Return a policy under which no other style, script, image or connection is possible."""
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _digest(text: Markup) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
