"""`harness run` from end to end, on small real binaries."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.loading import load_frames
from harness.store import COMPLETE, INTERRUPTED
from harness.tests.cli.conftest import Harness
from harness.tests.commands import HARNESS
from harness.tests.symbols.binaries import FIXTURES

QUICK = ("--probe", "memray", "--source", "replay", "--replicates", "2")
LEAN = ("--probe", "peak", "--source", "replay", "--replicates", "2")


def run_dir_of(work: Path) -> Path:
    (found,) = (work / "results" / "runs").iterdir()
    return found


def test_one_binary_gives_a_table_pictures_and_a_report(harness: Harness, tmp_path: Path) -> None:
    done = harness("run", FIXTURES / "c" / "dwarf5.so", *LEAN)
    assert done.returncode == 0, done.stderr
    assert "dwarf5.so" in done.stdout
    assert "yes" in done.stdout
    run_dir = run_dir_of(tmp_path / "work")
    assert (run_dir / "report.md").read_text().startswith("# ")
    assert {path.suffix for path in (run_dir / "plots").iterdir()} == {".svg"}
    samples = load_frames(run_dir).samples
    peaks = samples[samples["metric"] == "heap_peak"]
    assert sorted(peaks["arm"]) == ["legacy", "legacy", "streaming", "streaming"]
    assert peaks.groupby("arm")["value"].nunique().tolist() == [1, 1]


def test_json_is_one_document_and_without_a_report_only_flame_graphs_are_drawn_on_request(
    inside: Harness, tmp_path: Path
) -> None:
    done = inside("run", FIXTURES / "c" / "dwarf5.so", *QUICK, "--json", "--no-report", "--flame")
    assert done.returncode == 0, done.stderr
    run = run_dir_of(tmp_path / "work")
    assert not {path.name for path in run.iterdir()} & {"plots", "report.md", "report.html"}
    pages = json.loads((run / "manifest.json").read_text())["flame"]
    assert [page["arms"] for page in pages] == [["legacy"], ["streaming"], ["legacy", "streaming"]]
    assert all((run / page["path"]).is_file() for page in pages)
    (row,) = json.loads(done.stdout)["rows"]
    assert row["same_output"] is True
    assert row["baseline"]["peak"]["exact"] is True
    assert isinstance(row["reduction_pct"], float)


def test_what_cannot_be_measured_is_recorded_and_the_rest_is_measured(
    inside: Harness, tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name in ("c/dwarf5.so", "c/stripped.so", "c/table.c"):
        shutil.copy(FIXTURES / name, corpus)
    whole = (FIXTURES / "c" / "dwarf4.so").read_bytes()
    (corpus / "truncated.so").write_bytes(whole[: len(whole) // 2])
    done = inside("run", corpus, *LEAN, "--no-report")
    assert done.returncode == 4, done.stderr
    told = next(line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert "not everything could be measured: " in told
    assert re.search(r"measured: (stripped|truncated)\.so: rejected: .+, and 1 more", told)
    assert "not measured, as texts: table.c" in done.stderr
    failures = load_frames(run_dir_of(tmp_path / "work")).failures
    refused = failures.groupby("binary")["status"].unique().map(list).to_dict()
    assert refused == {name: ["rejected"] for name in ("stripped.so", "truncated.so")}


def test_two_files_of_one_content_that_cannot_be_read_are_both_refused(
    inside: Harness, tmp_path: Path
) -> None:
    for name in ("a.dwo", "b.dwo"):
        shutil.copy(FIXTURES / "elsewhere" / "table.dwo", tmp_path / "work" / name)
    done = inside("run", ".", *QUICK, "--no-report")
    assert done.returncode == 2, done.stderr
    assert "nothing could be measured" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_nothing_could_be_read_the_reason_stands_once_and_there_is_no_table(
    inside: Harness, tmp_path: Path
) -> None:
    shutil.copy("/bin/true", tmp_path / "work" / "stripped")
    done = inside("run", "stripped", *QUICK)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("no DWARF") == 1
    assert "the reason is told above" in done.stderr
    again = inside("report", run_dir_of(tmp_path / "work"))
    assert again.returncode == 0, again.stderr
    assert "rejected" in again.stdout


@pytest.mark.parametrize("kind", ["empty directory", "text file", "mistyped file"])
def test_nothing_to_measure_is_one_line_and_exit_code_2(
    inside: Harness, tmp_path: Path, kind: str
) -> None:
    target = tmp_path / "target.so"
    if kind == "empty directory":
        target.mkdir()
    elif kind == "text file":
        target.write_text("hello\n")
    done = inside("run", target, *LEAN)
    assert done.returncode == 2
    assert str(target) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_what_was_measured_and_says_how_to_go_on(
    inside: Harness, tmp_path: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [*HARNESS, "run", FIXTURES / "c" / "dwarf5.so",
         "--source", "replay", "--probe", "peak", "--replicates", "50"],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    samples = None
    while samples is None or samples.stat().st_size < 5000:
        samples = next((tmp_path / "results" / "runs").glob("*/records.jsonl"), None)
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)  # its workers need the core
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    run_dir = samples.parent
    assert f"--resume {run_dir.relative_to(tmp_path)}" in said
    run = load_frames(run_dir)
    assert run.manifest.state == INTERRUPTED
    assert len(run.samples) > 0
    done = inside("report", run_dir, "--output", tmp_path / "report")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report" / "report.md").exists()


STARTED = """
import os, runpy, sys
os.close(int(sys.argv.pop(1)))
runpy.run_module("harness", run_name="__main__", alter_sys=True)
"""
"""Runs the command, and closes a pipe when Python has started, whose own traceback is not ours."""


@pytest.mark.slow
@pytest.mark.parametrize("tenths", range(1, 25))
def test_ctrl_c_at_any_point_leaves_no_traceback_no_process_and_no_scratch(
    tmp_path: Path, tenths: int
) -> None:
    """Whatever the moment meets: imports, planning, verifying, measuring, storing, drawing."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    started, starts = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", STARTED, str(starts), "run", FIXTURES / "c" / "dwarf5.so", *QUICK],
        cwd=tmp_path,
        pass_fds=[starts],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        os.close(starts)
        os.read(started, 1)
        os.close(started)
        time.sleep(tenths / 10)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode in {0, 130, -signal.SIGINT}, said
    assert "Traceback" not in said
    assert not list(scratch.iterdir())
    deadline = time.monotonic() + 5.0  # a launcher ends when it sees that its parent has
    while (left := _processes_of(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left
    for run in (tmp_path / "results" / "runs").glob("*"):
        assert load_frames(run).manifest.state in {INTERRUPTED, COMPLETE}


INTERRUPTED_IN_A_CLASS = """
import sys, harness.cli.app
class Field:
    def __set_name__(self, *_):
        raise KeyboardInterrupt
harness.cli.app.load_verb = lambda _: type("Owner", (), {"name": Field()})
sys.argv = ["harness", "status"]
harness.cli.main()
"""


def test_an_interrupt_while_an_import_makes_a_class_is_one() -> None:
    command = [sys.executable, "-c", INTERRUPTED_IN_A_CLASS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def _processes_of(directory: Path) -> list[Path]:
    every = Path("/proc").glob("[0-9]*")
    return [process for process in every if str(directory) in _environment(process)]


def _environment(process: Path) -> str:
    try:
        return (process / "environ").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
