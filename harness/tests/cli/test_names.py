"""A name that is no UTF-8 goes through every command that writes a document."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from harness.tests.cli.conftest import Harness
from harness.tests.symbols.binaries import FIXTURES

QUICK = ("--source", "replay", "--probe", "peak", "--probe", "bare", "--replicates", "1")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.so"))
    shutil.copy(FIXTURES / "c" / "dwarf5.so", path)
    return path


def test_every_document_escapes_it(
    inside: Harness, harness: Harness, library: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    done = harness("run", library, *QUICK, "--no-report", "--results", runs)
    assert done.returncode == 0, done.stderr
    assert r"caf\xe9.so" in done.stdout
    (run,) = runs.iterdir()
    suite = tmp_path / "suite.toml"
    suite.write_text(
        'corpus = "default"\nneeds_baseline = false\n[[experiments]]\nname = "all"\n'
        'source = "replay"\nagainst = "legacy"\ngate = true\n'
        '[[experiments.checks]]\nname = "heap"\n'
        'bounds = { series = "heap_peak", upper_bound = "1 GiB" }\n'
    )
    documents: list[tuple[str | Path, ...]] = [
        ("report", run, "--json", "--html", "--output", tmp_path / "shown"),
        ("compare", run, "--arms", "legacy", "streaming", "--json"),
        ("gate", run, "--suite", suite, "--json"),
        ("scaling", run, "--json"),
        ("export", run, "--format", "bencher"),
        ("export", run, "--format", "go-benchmark"),
        ("history", runs, "--json"),
    ]
    said = [inside(*command) for command in documents]
    assert {one.returncode for one in said} <= {0, 4}, said
    assert json.loads(said[0].stdout)["rows"][0]["binary"] == r"caf\xe9.so"
    judged = inside("gate", run, "--suite", suite)
    assert judged.returncode == 4, judged.stderr
    assert {"report.md", "report.json", "junit.xml", "decision.md"} <= {
        path.name for path in (run / "gate").iterdir()
    }
