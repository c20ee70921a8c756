"""The plugins of docs/fleet.md, as they stand there, on real processes of this machine."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.run.fleet import run_fleet
from harness.run.session import run_session
from harness.tests.docs.checkout import document
from harness.tests.run.test_dask import peaks_in
from harness.tests.run.test_session import ARMS, a_request, real_binary

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of foreign libraries

PARSL = """
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider
here = HighThroughputExecutor(max_workers_per_node=1, encrypted=False, provider=LocalProvider())
config = Config(executors=[here], usage_tracking=0)
"""


@pytest.mark.parametrize(("library", "address"), [("parsl", "fleet_here"), ("submitit", "local")])
def test_a_plugin_measures_to_the_byte_what_this_machine_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, address: str
) -> None:
    pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    scripts = Path(sys.executable).parent  # where Parsl looks for its own
    monkeypatch.setenv("PATH", f"{scripts}:{os.environ['PATH']}")
    (tmp_path / "fleet_here.py").write_text(PARSL)
    found: dict[str, Any] = {}
    text = document("docs/fleet.md")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, found)  # noqa: S102  our own documentation
    binaries = [real_binary(tmp_path, "c/assembly.so", f"{name}.so") for name in "ab"]
    few = {"sources": ("dwarf",), "probes": ("peak",), "replicates": {"peak": 1}}
    request = a_request(tmp_path, *binaries, arms=ARMS[1:], **few)
    here = run_session(request, lambda _: None)
    with found[f"{library}_opened"](address) as executor:
        there = run_fleet(request, lambda _: None, executor)
    assert peaks_in(there) == peaks_in(here)
    assert len(peaks_in(there)) == 2
