"""A probe in one file of somebody else's: measured, exact, compared, shown and exported."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.corpus import fixtures_directory
from harness.loading import load_frames
from harness.stats.frames import succeeded
from harness.tests.commands import distribution, environment, ran
from harness.tests.docs.checkout import document

BINARY = fixtures_directory() / "binaries" / "c" / "dwarf5.so"
NOTEBOOK = "notebooks/analysis.ipynb"
PROBE = """
from contextlib import contextmanager
from harness.probes.bare import UnmeasuredProbe
from harness.records import Metric

class Probe(UnmeasuredProbe):
    metrics = (
        Metric("things_kept", "count", exact=True, portable=True),
        Metric("things_lost", "count", exact=True, zero_allowed=True),
    )

    @contextmanager
    def measure(self):
        yield

    def values(self):
        return {"things_kept": 1234, "things_lost": 0}
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with the probe in it, as an installer leaves it."""
    place = tmp_path_factory.mktemp("plugin")
    python, site = environment(place / "venv")
    distribution(site, "counted", "[harness.probe]\ncounted = counted:Probe\n")
    (site / "counted.py").write_text(PROBE)
    return python


def _notebook_says(run: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the table of all metrics that the notebook shows of `run`: its second cell of code."""
    monkeypatch.setenv("HARNESS_RUN", str(run))
    notebook = json.loads(document(NOTEBOOK))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"][:2]
    code = ast.parse("\n".join("".join(cell["source"]) for cell in cells))
    last = code.body.pop()
    assert isinstance(last, ast.Expr)
    names: dict[str, Any] = {}
    exec(compile(code, NOTEBOOK, "exec"), names)  # noqa: S102  our own notebook
    return str(eval(compile(ast.Expression(last.value), NOTEBOOK, "eval"), names))  # noqa: S307


def test_a_plugin_s_exact_metric_is_treated_as_any_of_ours(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(*arguments: str) -> str:
        done = ran(python, "-m", "harness", *arguments, cwd=tmp_path, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def without(*arguments: str) -> str:
        """Run a command here, where the plugin is not installed."""
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == 0, done.output
        return done.stdout

    options = ("--source", "replay", "--probe", "counted", "--replicates", "2")
    terminal = call("run", str(BINARY), *options, "--results", "runs")
    (run,) = (tmp_path / "runs").iterdir()
    frames = load_frames(run)
    values = succeeded(frames.samples).groupby("metric")["value"].agg(set).to_dict()
    assert values == {"things_kept": {1234.0}, "things_lost": {0.0}}
    assert frames.metrics["things_kept"].exact
    page = (run / "report.html").read_text()
    for shown in (terminal, (run / "report.md").read_text()):
        assert "things_kept" in shown.replace("\\", "")
        assert "=1,234" in shown
        assert "=0" in shown
    assert "things_kept" in page
    assert "1,234" in page
    (told,) = [x for x in _notebook_says(run, monkeypatch).splitlines() if "things_kept" in x]
    assert told.split()[-5:] == ["4", "1,234", "1,234", "1,234", "True"]
    compared = json.loads(without("compare", str(run), "--arms", "legacy", "streaming", "--json"))
    found = {one["metric"]: (one["state"], one["exact"]) for one in compared["experiments"]}
    assert found == {"things_kept": ("clean", True), "things_lost": ("clean", True)}
    exported = without("export", str(run), "--format", "go-benchmark")
    assert "things-kept better=lower assume=exact" in exported
    assert "1234 things-kept" in exported
