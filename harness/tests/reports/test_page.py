"""The page as a document: whole, self-contained, escaped. What browsers make of it is in page/."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import unicodedata
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.loading import load_frames
from harness.reports.cells import exact, known, share
from harness.reports.page.attachments import GateReport, Picture, read_gate
from harness.reports.page.binaries import chart_of
from harness.reports.page.rendering import render_page
from harness.reports.page.verdict import Standing, iter_alarms, iter_judgements
from harness.reports.report import report_of
from harness.stats.check import Link, Outcome
from harness.stats.curves import Curve
from harness.stats.frames import Frames
from harness.stats.growth import LineChange
from harness.stats.summary import summarise
from harness.stats.verdict import Verdict
from harness.tests.reports import verdicts
from harness.tests.reports.golden_files import RUN
from harness.tests.reports.verdicts import row
from harness.tests.stats.made import batch, failure, frames, manifest, peaks

PICTURE = Picture("mine", "Does anybody's plot appear?", "svg", b"<svg/>")


class Page(HTMLParser):
    """What stands in a page: tags, attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


def rendered(made: Frames | None = None, **more: Any) -> str:
    return render_page(report_of(made or load_frames(RUN)), [PICTURE], **more)


def verdict(decision: Outcome = Outcome.PASS, run_id: str = "r1") -> Verdict:
    nothing: dict[str, Any] = {"experiments": [], "bounds": [], "faults": [], "gates": []}
    return replace(verdicts.verdict(decision), reasons=["<b>because</b>"], run_id=run_id, **nothing)


@pytest.fixture(scope="module")
def golden() -> str:
    return rendered()


def test_the_page_refers_to_nothing_outside_itself(golden: str) -> None:
    page = Page(golden)
    addresses = page.values("src") + page.values("href")
    assert {address.partition(",")[0] for address in addresses if address[0] != "#"} == {
        "data:image/svg+xml;base64"
    }
    assert not {"link", "iframe", "object", "embed", "base"} & set(page.tags)
    assert "@import" not in golden
    assert "url(" not in golden


def test_every_anchor_of_the_page_exists_and_no_two_are_alike(golden: str) -> None:
    page = Page(golden)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {href[1:] for href in page.values("href")} <= set(ids)


def test_the_policy_names_the_style_and_the_script_and_allows_no_other(golden: str) -> None:
    (policy,) = [value for value in Page(golden).values("content") if "default-src" in value]
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", golden, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not [name for _, name, _ in Page(golden).attributes if name.startswith("on")]
    assert "style" not in {name for _, name, _ in Page(golden).attributes}


def named(name: str) -> Page:
    """Return the page of a run in which everything foreign is called `name`."""
    failed = failure(name, "legacy", detail=name, probe=name)
    made = frames(
        [*peaks(name, [4e6, 4e6], [1e6, 1e6]), failed],
        verified=[name],
        batches=[batch(name, 1, 5000)],
    )
    return Page(rendered(made))


@pytest.fixture(scope="module")
def harmless() -> list[str]:
    return named("b").tags


@given(name=st.text(min_size=1, max_size=80))
@example(name="</script><script>alert(1)</script>")
@example(name="\u202e\x1b[31m\"'><img src=x onerror=alert(1)>")
@example(name="{{ 7 * 7 }}")
def test_whatever_a_binary_is_called_no_element_comes_of_it(harmless: list[str], name: str) -> None:
    page = named(name)
    assert page.tags == harmless
    assert {char for char in page.text if unicodedata.category(char)[0] == "C"} <= {"\n"}


def test_every_picture_appears_with_what_it_asks(golden: str) -> None:
    page = Page(golden)
    assert base64.b64encode(PICTURE.content).decode() in golden
    assert [alt for alt in page.values("alt") if PICTURE.question in alt]


def test_a_picture_may_be_pixels() -> None:
    large = replace(PICTURE, suffix="png", content=b"\x89PNG")
    assert large.source.startswith("data:image/png;base64,")


def test_a_run_of_nothing_says_so_loudly_and_has_no_table() -> None:
    nothing = frames()
    assert next(alarm.fatal for alarm in iter_alarms(report_of(nothing), GateReport()))
    page = Page(rendered(nothing))
    assert "Nothing was measured" in page.text
    assert "No verdict" in page.text
    assert "search" not in page.values("type")


def test_a_row_that_does_not_count_is_never_shown_as_holding() -> None:
    unchecked = frames(peaks("b", [4e6, 4e6], [1e6, 1e6]))
    (first, _) = iter_judgements(summarise(unchecked))
    assert first.standing is Standing.UNKNOWN
    assert first.figure == "?"
    assert 'data-standing="unknown"' in rendered(unchecked)


@pytest.mark.parametrize(
    ("overshoots", "standing"),
    [([], Standing.UNKNOWN), ([1024], Standing.HOLDS), ([1024, 40 * 1024], Standing.FAILS)],
)
def test_overshoot_is_judged_by_the_worst_batch_of_a_binary(
    overshoots: list[int], standing: Standing
) -> None:
    batches = [batch("b", number, size) for number, size in enumerate(overshoots)]
    made = frames(peaks("b", [4e6], [1e6]), verified=["b"], batches=batches)
    *_, last = iter_judgements(summarise(made))
    assert last.standing is standing


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"", "damaged"),
        (b"[]", "damaged"),
        (b'{"schema": 1}', "damaged"),
        (b'{"schema": 99}', "form 99"),
        (msgspec.json.encode(verdict(run_id="other")), "another run"),
        (msgspec.json.encode(verdict())[:-20], "damaged"),
        (msgspec.json.encode(verdict()).replace(b'"pass"', b'"great"'), "damaged"),
    ],
    ids=["empty", "no object", "incomplete", "newer", "of another run", "torn", "unknown word"],
)
def test_a_decision_that_cannot_be_relied_on_is_no_decision(content: bytes, trouble: str) -> None:
    gate = read_gate(content, "r1")
    assert gate.verdict is None
    assert trouble in gate.trouble
    page = Page(rendered(frames(peaks("b", [2], [1])), gate=gate))
    assert "No decision of a gate" in page.text
    assert "Gate: PASS" not in page.text


@pytest.mark.parametrize("decision", [Outcome.PASS, Outcome.FAIL, Outcome.INVALID])
def test_the_decision_of_a_gate_stands_before_any_number(decision: Outcome) -> None:
    gate = read_gate(msgspec.json.encode(verdict(decision)), "r1")
    page = Page(rendered(frames(peaks("b", [2], [1])), gate=gate))
    said = f"Gate: {decision.upper()}"
    assert page.text.index(said) < page.text.index("No verdict on")
    assert "<b>because</b>" in page.text


def test_lines_that_hold_more_are_named_and_their_flame_graph_is_linked_if_it_is_there() -> None:
    line = LineChange(location="a.py:3 f", code="<b>x</b> = []", baseline_bytes=0,
                      candidate_bytes=2048, copies=0, inputs=0)  # fmt: skip
    links = [Link(text="difference", link=one) for one in ("flame/1.html", "javascript:alert(1)")]
    grown = row(Outcome.REGRESSED, 20.0, lines=[line], links=links)
    gate = read_gate(msgspec.json.encode(replace(verdict(), experiments=[grown])), "r1")
    page = Page(rendered(gate=replace(gate, flames={"flame/1.html": "gate/flame/1.html"})))
    assert "Lines that hold more in quality_gate: a.so, replay, streaming" in page.text
    assert "a.py:3 f" in page.text
    assert "<b>x</b> = []" in page.text
    assert [href for href in page.values("href") if href[0] != "#"] == ["gate/flame/1.html"]


def test_without_a_gate_the_page_says_nothing_of_one() -> None:
    assert "Gate:" not in Page(rendered()).text


def test_a_manifest_that_says_little_still_gives_a_page() -> None:
    made = Frames.build(
        manifest([{"name": "b"}], run_id=""), samples=frames(peaks("b", [2, 2], [1, 1])).samples
    )
    assert "unknown" in Page(rendered(made)).text


@pytest.mark.parametrize(
    ("value", "unit", "shown", "whole"),
    [
        (1_016_160, "byte", "992.3 KiB", "1,016,160 bytes"),
        (1_016_160.5, "byte", "992.3 KiB", "1,016,160.5 bytes"),
        (0.25, "second", "0.250 s", "0.25 s"),
        (0.00025, "second", "0.250 ms", "0.00025 s"),
        (1234, "count", "1,234", "1,234"),
        (0.5, "furlong", "0.5 furlong", "0.5 furlong"),
        (math.nan, "byte", "-", "-"),
    ],
)
def test_values_are_rounded_to_be_read_and_exact_beside(
    value: float, unit: str, shown: str, whole: str
) -> None:
    assert known(value, unit) == shown
    assert exact(value, unit) == whole


@pytest.mark.parametrize(
    ("part", "whole", "length"), [(1, 4, 25), (5, 4, 100), (-1, 4, 0), (1, 0, 0)]
)
def test_a_bar_is_never_longer_than_its_track(part: float, whole: float, length: float) -> None:
    assert share(part, whole) == length


def test_each_arm_of_a_chart_goes_over_the_whole_of_its_own_run() -> None:
    looks = tuple((float(n), 10 * n) for n in range(5))
    slow = Curve("legacy", "memray", tuple((39 * at_s, heap) for at_s, heap in looks))
    chart = chart_of([slow, Curve("streaming", "memray", looks)])
    assert chart is not None
    old, new = (points for _, points in chart.lines)
    assert old == new == "0.0,100.0 25.0,75.0 50.0,50.0 75.0,25.0 100.0,0.0"
