"""`harness export`, `merge` and `schema` as commands, on a stored run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.loading import load_frames
from harness.store import RunWriter
from harness.tests.cli.conftest import Harness
from harness.tests.store.records import a_record
from harness.tests.store.sound_run import sound_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return sound_run(tmp_path / "runs")


def test_values_go_to_standard_output_and_into_a_file_alike(
    inside: Harness, run: Path, tmp_path: Path
) -> None:
    shown = inside("export", run, "--format", "bencher")
    assert shown.returncode == 0, shown.stderr
    assert shown.stderr == ""
    peak = json.loads(shown.stdout)["libelf/replay/legacy"]["heap-peak-bytes"]
    assert peak["value"] == 9_000_000
    target = tmp_path / "bmf.json"
    assert inside("export", run, "--format", "bencher", "--output", target).stdout == ""
    assert target.read_text() == shown.stdout


def test_failed_replicates_are_left_out_and_counted(inside: Harness, run: Path) -> None:
    with RunWriter.reopen(run) as writer:
        writer.append(a_record("crashed", run_id=writer.run_id, replicate=9))
    done = inside("export", run, "--format", "go-benchmark")
    assert done.returncode == 0
    assert "left out: 1 replicate of" in done.stderr
    assert "(1 crashed)" in done.stderr
    assert done.stdout.count("\nBenchmarkUpload/") == 4


def test_a_run_that_did_not_end_is_exported_with_a_warning(inside: Harness, tmp_path: Path) -> None:
    done = inside("export", sound_run(tmp_path / "cut", state="interrupted"), "--format", "csv")
    assert done.returncode == 0
    assert "did not reach its end (state: interrupted)" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--format", "bencher", "--metric", "heap_peak_memry"), 2, "nothing measured"),
        (("--format", "bencher", "--output", "/nowhere/x"), 2, "cannot write /nowhere/x"),
        (("--format", "bencer"), 2, "bencer"),
    ],
    ids=str,
)
def test_what_cannot_be_exported_is_said(
    inside: Harness, run: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = inside("export", run, *arguments)
    assert done.returncode == code
    assert done.stdout == ""
    assert said in done.stderr


def test_a_run_without_a_value_is_not_an_empty_export(inside: Harness, tmp_path: Path) -> None:
    empty = sound_run(tmp_path / "runs", peaks={"legacy": []})
    done = inside("export", empty, "--format", "csv")
    assert done.returncode == 4
    assert done.stdout == ""


def test_runs_that_a_format_cannot_tell_apart_are_refused_and_a_pool_is_not(
    inside: Harness, run: Path, tmp_path: Path
) -> None:
    other = sound_run(tmp_path / "runs")
    refused = inside("export", run, other, "--format", "bencher")
    assert refused.returncode == 2
    assert "cannot tell runs apart" in refused.stderr
    pooled = inside("merge", run, other, "--results", tmp_path / "pools")
    assert pooled.returncode == 0, pooled.stderr
    path = Path(pooled.stdout.strip())
    assert load_frames(path).manifest.command.startswith("python -m harness merge ")
    assert inside("export", path, "--format", "bencher").returncode == 0


def test_schemas_are_listed_and_printed(inside: Harness) -> None:
    listed = inside("schema")
    assert listed.stdout.splitlines()[0].startswith("manifest.json ")
    printed = json.loads(inside("schema", "records.jsonl").stdout)
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    wrong = inside("schema", "sample.json")
    assert wrong.returncode == 2
    assert "did you mean" in wrong.stderr
