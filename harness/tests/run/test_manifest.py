"""What a run is measured with."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.records import Arm
from harness.run.manifest import compile_code
from harness.run.request import RunRequest


def test_what_workers_load_is_compiled_before_the_first_of_them_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is, and what cannot be is passed over. A plugin is, with all of its package."""
    plugin = tmp_path / "elsewhere" / "mine"
    plugin.mkdir(parents=True)
    for name in ("__init__.py", "encoder.py"):
        (plugin / name).touch()
    sources = {"errors.py": "x = 1", "symbols/a.py": "x = 1", "run/bad.py": "x =", "cli/b.py": ""}
    for name, text in {"__init__.py": "", **sources}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(harness, "__file__", str(tmp_path / "__init__.py"))
    arms = [Arm(name="mine", pipeline=f"{plugin.parent}:mine:run")]
    compile_code(RunRequest(arms=arms, probes=("peak",), binaries=[], results=tmp_path))
    compiled = {path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")}
    assert compiled == {"errors", "a", "__init__", "encoder"}
