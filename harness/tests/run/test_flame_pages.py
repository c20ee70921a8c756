"""A run that keeps its captures draws them, names them safely and lists them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.run.events import Event, Problem
from harness.run.resume import resume_session
from harness.run.session import run_session
from harness.store import read_manifest
from harness.tests.run.test_session import a_request, real_binary

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
