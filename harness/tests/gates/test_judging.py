"""What a verdict loads of a stored run."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import judging
from harness.records import Manifest
from harness.store import RunWriter
from harness.tests.store.records import a_record


@pytest.mark.parametrize(("more", "points"), [((), 0), (("theirs",), 2)])
def test_timelines_are_there_for_a_gate_that_may_look_at_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], points: int
) -> None:
    with RunWriter.create(tmp_path, Manifest()) as writer:
        writer.append(a_record())
    monkeypatch.setattr(judging, "names", lambda _: [*judging.BUILT_IN, *more])
    assert len(judging.load_or_explain(writer.path).timeline) == points
