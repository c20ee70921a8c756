"""What a run is measured with."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.run.manifest import compile_code


def test_what_workers_load_is_compiled_before_the_first_of_them_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is, and what cannot be is passed over."""
    sources = {"errors.py": "x = 1", "symbols/a.py": "x = 1", "run/bad.py": "x =", "cli/b.py": ""}
    for name, text in {"__init__.py": "", **sources}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(harness, "__file__", str(tmp_path / "__init__.py"))
    compile_code()
    assert {path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")} == {"errors", "a"}
