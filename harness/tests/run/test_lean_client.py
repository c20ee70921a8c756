"""What else is installed does not get into measured processes by way of our dependencies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXTRAS = {"tornado": "tornado.py", "brotli": "brotli.py", "backports.zstd": "backports/zstd.py"}
REPORT = """
import json, sys
import {module}
got = [name for name in {names} if name in sys.modules]
from importlib import import_module
print(json.dumps([got, [import_module(name).__name__ for name in {names}]]))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory of modules that are called like the extras."""
    for file in EXTRAS.values():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    return tmp_path


def loaded_by(module: str, site: Path) -> list[list[str]]:
    """Return which extras `module` loads, and which can be had by those who ask afterwards."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT.format(module=module, names=list(EXTRAS))],
        env={**os.environ, "PYTHONPATH": f"{site}:{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[list[str]] = json.loads(done.stdout)
    return found


def test_a_worker_loads_no_extra_and_takes_none_away(site: Path) -> None:
    assert loaded_by("harness.run.worker", site) == [[], list(EXTRAS)]


def test_without_that_tenacity_loads_tornado(site: Path) -> None:
    (site / "tornado.py").write_text("class gen:\n  coroutine, sleep = staticmethod(id), None\n")
    assert "tornado" in loaded_by("tenacity", site)[0]
