"""Flame graphs of real captures and of their difference; a run that keeps captures lists them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from harness.errors import MeasurementInvalid
from harness.run.events import Event, Problem
from harness.run.executor import Settings, iter_records
from harness.run.flame import difference_page, draw_difference, draw_flame_graph, draw_growth
from harness.run.resume import resume_session
from harness.run.session import run_session
from harness.store import read_manifest
from harness.store.reader import RECORDS
from harness.tests.run.conftest import MakeJob
from harness.tests.run.test_session import a_request, real_binary


def test_captures_are_kept_on_request_and_drawn(
    job: MakeJob, settings: Settings, tmp_path: Path
) -> None:
    captures = tmp_path / "captures"
    captures.mkdir()
    keeping = msgspec.structs.replace(settings, captures=str(captures))
    jobs = [job(0, probe="memray", pipeline="harness.pipelines.legacy:run"), job(1, probe="memray")]
    records = list(iter_records(jobs, keeping))
    (tmp_path / RECORDS).write_bytes(msgspec.json.Encoder().encode_lines(records))
    peaks = {one.job.order: int(one.values["heap_peak_memray"]) for one in records}
    kept = sorted(captures.iterdir())
    assert [path.name for path in kept] == ["0000000.bin", "0000001.bin"]
    draw_flame_graph(kept[0], tmp_path / "legacy.html")
    graph = (tmp_path / "legacy.html").read_text()
    assert "legacy.py" in graph
    assert not re.search(r"<(script|link)[^>]*(src|href)=[\"']?(https?:)?//", graph)
    arms = ("legacy", kept[0]), ("<streaming>", kept[1])
    draw_difference(*arms, tmp_path / "difference.html", "lib.so\x1b<b>")
    page = (tmp_path / "difference.html").read_text()
    assert f"legacy: {peaks[0]:,} bytes, &lt;streaming&gt;: {peaks[1]:,} bytes" in page
    assert "harness/pipelines/legacy.py" in page
    assert "<script" not in page
    assert "<b>" not in page
    cells = [("synthetic", "replay", "streaming"), ("synthetic", "replay", "other")]
    runs = [tmp_path / "merged", tmp_path], [tmp_path]
    told: list[str] = []
    drawn = draw_growth(*runs, cells, tmp_path / "gate", told.append)
    assert drawn == {cells[0]: "flame/0000-synthetic-replay-streaming.html"}
    assert (
        "candidate" in (tmp_path / "gate" / drawn["synthetic", "replay", "streaming"]).read_text()
    )
    for path in kept:  # which is drawn is a matter of which worker ended first
        path.write_text("damaged")
    assert draw_growth(*runs, cells, tmp_path / "gate", told.append) == {}
    assert "no flame graph of streaming over synthetic" in told[0]


def test_a_file_that_is_no_capture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(MeasurementInvalid, match="cannot be drawn"):
        draw_difference(("a", tmp_path / "x"), ("b", tmp_path / "x"), tmp_path / "page.html", "x")


def boxes(page: str) -> dict[str, tuple[float, float, str]]:
    pattern = r"left:([\d.]+)%;width:([\d.]+)%.*?hsl\((\d+ \d+)%.*?>([^<]*)</div>"
    found = re.findall(pattern, page, re.DOTALL)
    return {name: (float(left), float(width), colour) for left, width, colour, name in found}


def test_widths_are_the_larger_arm_and_colours_the_change() -> None:
    before: Counter[tuple[str, ...]] = Counter({("run", "kept"): 300, ("run", "lost"): 100})
    after: Counter[tuple[str, ...]] = Counter({("run", "kept"): 300, ("run", "<new>"): 50})
    drawn = boxes(difference_page(("a", before), ("b", after), "x"))
    assert drawn["all"][:2] == (0.0, 100.0)
    assert drawn["kept"][2].endswith(" 0")
    assert drawn["lost"][2] == "0 80"
    assert drawn["&lt;new&gt;"][2] == "215 80"
    kept, lost, new = (drawn[name][1] for name in ("kept", "lost", "&lt;new&gt;"))
    assert kept == pytest.approx(3 * lost, rel=1e-3)
    assert lost == pytest.approx(2 * new, rel=1e-3)
    assert kept + lost + new == pytest.approx(100.0, rel=1e-3)


def test_nothing_alive_is_drawn_as_nothing() -> None:
    page = difference_page(("a", Counter()), ("b", Counter()), "x")
    assert "a: 0 bytes, b: 0 bytes" in page


HOSTILE = '..\x1b[31m<b>&"\n' + "x" * 200


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("flame")
    request = a_request(
        tmp_path,
        real_binary(tmp_path, "c/dwarf5.so", HOSTILE),
        real_binary(tmp_path, "c/stripped.so", "stripped"),
        probes=("memray",),
        sources=("replay",),
        replicates={"memray": 1},
        keep_captures=True,
    )
    return run_session(request, lambda _: None)


def test_pages_of_both_arms_and_of_their_difference_are_listed(run: Path) -> None:
    pages = read_manifest(run).flame
    assert [page.arms for page in pages] == [["legacy"], ["streaming"], ["legacy", "streaming"]]
    assert {(page.binary[:2], page.source) for page in pages} == {("..", "replay")}
    assert all((run / page.path).stat().st_size > 1000 for page in pages)


def test_names_of_pages_are_harmless_whatever_the_binary_is_called(run: Path) -> None:
    listed = {page.path for page in read_manifest(run).flame}
    there = {f"flame/{path.name}" for path in (run / "flame").iterdir()}
    assert there == listed
    assert all(re.fullmatch(r"flame/\d{4}-[A-Za-z0-9_-]{1,200}\.html", path) for path in listed)
    difference = (run / max(listed)).read_text()
    assert "\x1b" not in difference
    assert "<b>" not in difference


def test_resuming_draws_nothing_twice(run: Path) -> None:
    before = read_manifest(run).flame
    resume_session(run, lambda _: None)
    assert read_manifest(run).flame == before


def test_a_damaged_capture_costs_its_pages_and_nothing_else(tmp_path: Path) -> None:
    binary = real_binary(tmp_path, "c/dwarf5.so", "lib.so")
    changes = {"probes": ("memray",), "sources": ("replay",), "replicates": {"memray": 1}}
    path = run_session(a_request(tmp_path, binary, **changes), lambda _: None)
    captures = path / "captures"
    captures.mkdir()
    (captures / "0000000.bin").write_bytes(b"nothing of the kind")
    events: list[Event] = []
    resume_session(path, events.append, a_request(tmp_path, binary, **changes, keep_captures=True))
    problems = [event.message for event in events if isinstance(event, Problem)]
    assert len(problems) == 1
    assert "lib.so: no flame graph of" in problems[0]
    assert read_manifest(path).flame == []
