"""Flame graphs of real captures, and the picture of a difference."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from harness.errors import MeasurementInvalid
from harness.run.executor import Settings, iter_records
from harness.run.flame import difference_page, draw_difference, draw_flame_graph, draw_growth
from harness.store.reader import RECORDS
from harness.tests.run.conftest import MakeJob


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
