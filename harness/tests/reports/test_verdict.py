"""A verdict as Markdown, JUnit XML and a terminal table, against golden files and hostile names."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from xml.etree import ElementTree as ET

import msgspec
import pytest
from junitparser import JUnitXml
from markdown_it import MarkdownIt
from msgspec import structs

from harness.printing import make_console
from harness.reports.gate.junit import render_junit
from harness.reports.gate.markdown import render_decision, render_verdict
from harness.reports.gate.terminal import print_verdict
from harness.stats.check import Outcome
from harness.stats.verdict import Verdict
from harness.tests.reports.golden_files import check
from harness.tests.reports.verdicts import verdict


def printed() -> str:
    file = StringIO()
    print_verdict(verdict(), make_console(file))
    return file.getvalue()


def page() -> str:
    text: str = MarkdownIt("commonmark").enable("table").render(render_verdict(verdict(), "What?"))
    return text


def junit() -> str:
    """Indented here: how it is written depends on which XML library is installed."""
    root = ET.fromstring(render_junit(verdict()))  # noqa: S314  our own
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


GOLDEN: dict[str, Callable[[], str]] = {
    "gate.md": lambda: render_verdict(verdict(), "What is asked?"),
    "decision.md": lambda: render_decision(verdict()),
    "junit.xml": junit,
    "gate.txt": printed,
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_verdict_is_told_as_the_golden_file_has_it(name: str) -> None:
    check(name, GOLDEN[name]())


def test_the_document_reads_back_as_it_was_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(verdict()), type=Verdict) == verdict()


def test_nothing_acts_in_markdown() -> None:
    shown = page()
    assert "<script" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "<h1>head" not in shown
    assert {found.count("<td") for found in re.findall("<tr>.*?</tr>", shown, re.DOTALL)} <= {
        *(0, 2, 3, 4, 7, 8, 10)
    }


def test_every_row_of_a_table_has_all_its_cells() -> None:
    for table in re.findall("<table>.*?</table>", page(), re.DOTALL):
        head, *rows = re.findall("<tr>.*?</tr>", table, re.DOTALL)
        assert {row.count("<td") for row in rows} == {head.count("<th")}


def test_junit_tells_failures_of_gates_from_what_could_not_be_judged() -> None:
    (suite,) = JUnitXml.fromstring(render_junit(verdict()))
    kinds = {case.name: [type(one).__name__ for one in case.result] for case in suite}
    count = [kind for found in kinds.values() for kind in found]
    assert count.count("Failure") == 3
    assert count.count("Error") == 5
    assert kinds["decision"] == ["Error"]
    assert kinds["quality_gate: b.so, replay, streaming, overshoot"] == ["Failure"]
    assert kinds["quality_gate: a.so, replay, streaming, reduction"] == ["Skipped"]
    assert kinds["quality_gate: c.so, replay, streaming, heap_peak_memray"] == []


@pytest.mark.parametrize(
    ("outcome", "kinds"),
    [
        (Outcome.PASS, []),
        (Outcome.FAIL, ["Failure"]),
        (Outcome.INVALID, ["Error"]),
        (Outcome.INCONCLUSIVE, ["Error"]),
    ],
)
def test_junit_says_what_was_decided_even_where_there_is_no_row(
    outcome: Outcome, kinds: list[str]
) -> None:
    """A file without a test case is read as all green."""
    bare = structs.replace(verdict(outcome), experiments=[], bounds=[], faults=[])
    (suite,) = JUnitXml.fromstring(render_junit(bare))
    assert [type(one).__name__ for case in suite for one in case.result] == kinds
    assert (suite.tests, suite.failures + suite.errors) == (1, len(kinds))


@pytest.mark.parametrize("outcome", sorted({o.decision for o in Outcome} - {Outcome.NOT_ASKED}))
def test_every_decision_has_words(outcome: Outcome) -> None:
    assert render_decision(verdict(outcome))
    assert render_verdict(verdict(outcome))
