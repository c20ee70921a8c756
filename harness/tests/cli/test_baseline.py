"""`harness baseline` and `harness history` from end to end, on runs of a small real binary."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from harness.corpus import binaries_of, resolve
from harness.run.extensions import arms_by_name
from harness.run.request import RunRequest
from harness.run.session import run_session
from harness.store import INTERRUPTED, RunWriter, read_manifest
from harness.store.baseline import open_baseline
from harness.store.manifest import write_manifest
from harness.tests.cli.conftest import Harness
from harness.tests.described import assert_described
from harness.tests.store.records import a_record
from harness.tests.store.sound_run import MANIFEST, PEAK, a_manifest, records, sound_run
from harness.tests.symbols.binaries import FIXTURES

SUITE = """
corpus = "corpus"
[[experiments]]
name = "quality_gate"
source = "replay"
replicates = 2
gate = true
checks = [{ name = "peak", bounds = { series = "heap_peak" } }]
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that the command is run in."""
    path = tmp_path / "work"
    path.mkdir(exist_ok=True)
    (path / "suite.toml").write_text(SUITE)
    monkeypatch.chdir(path)
    return path


def promoted(work: Path, inside: Harness) -> Path:
    run = sound_run(work / "runs")
    done = inside("baseline", "promote", run)
    assert done.returncode == 0, done.stderr
    return run


def measured(commit: str) -> Path:
    """Measure a real binary in real processes; nobody needs what `harness run` draws of it."""
    with closing(resolve(FIXTURES / "c" / "dwarf5.so", "", lambda *_: None)) as corpus:
        request = RunRequest(
            binaries=binaries_of(corpus),
            arms=arms_by_name(["legacy", "streaming"]),
            results=Path(commit),
            probes=("peak",),
            sources=("replay",),
            replicates={"peak": 2},
            commit=commit,
        )
        return run_session(request, lambda _: None)


def test_a_real_run_is_promoted_and_another_is_gated_by_what_was_ratcheted(
    inside: Harness, work: Path
) -> None:
    assert work.is_dir()
    first = measured("first")
    done = inside("baseline", "promote", first)
    assert done.returncode == 0, done.stderr
    assert "as promoted; left out: collections, timeline" in done.stdout
    document = json.loads(inside("baseline", "show", "--json").stdout)
    assert_described("baseline.json", document)
    assert (document["run_id"], document["commit"]) == (first.name, "first")
    assert document["counts_here"] == {"heap_peak": []}
    turned = inside("baseline", "ratchet", first, "--suite", "suite.toml")
    assert "quality_gate peak: new" in turned.stdout, turned.stderr
    judged = inside("gate", measured("second"), "--suite", "suite.toml")
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_a_bound_of_another_series_is_no_bound(inside: Harness, work: Path) -> None:
    """The check kept its name, and bytes would be held against seconds."""
    first = promoted(work, inside)
    inside("baseline", "ratchet", first, "--suite", "suite.toml")
    (work / "suite.toml").write_text(SUITE.replace('"heap_peak"', '"wall"'))
    judged = inside("gate", sound_run(work / "runs"), "--suite", "suite.toml")
    assert judged.returncode == 4
    report = json.loads(next((work / "runs").glob("*/gate/report.json")).read_bytes())
    details = {row["detail"] for row in report["bounds"]}
    assert any("series heap_peak, then wall" in detail for detail in details), details


@pytest.mark.parametrize("command", ["gate", "report", "export"])
def test_a_baseline_without_its_seal_is_read_by_nobody(
    inside: Harness, work: Path, command: str
) -> None:
    promoted(work, inside)
    baseline = work / "results" / "baseline"
    (baseline / "digests.json").unlink()
    more = {"gate": ["--suite", "suite.toml"], "report": [], "export": ["--format", "bencher"]}
    done = inside(command, baseline, *more[command])
    assert done.returncode in {2, 4}
    assert "digests.json" in done.stdout + done.stderr


def test_diff_names_what_differs_and_whether_it_may_be_promoted(
    inside: Harness, work: Path
) -> None:
    promoted(work, inside)
    worse = sound_run(work / "runs", {"legacy": [9e6, 9e6], "streaming": [2e6, 2e6]})
    done = inside("baseline", "diff", worse)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "can be promoted" in done.stdout
    assert "+100.00" in done.stdout
    assert "No change detected." in done.stdout
    document = json.loads(inside("baseline", "diff", worse, "--json").stdout)
    assert_described("baseline-diff.json", document)
    assert document["promotable"] is True
    states = {row["case"]["arm"]: row["state"] for row in document["comparison"]["experiments"]}
    assert states == {"legacy": "clean", "streaming": "regressed"}


def test_bounds_are_ratcheted_kept_and_loosened(inside: Harness, work: Path) -> None:
    first = promoted(work, inside)
    better = sound_run(work / "runs", {"legacy": [9e6, 9e6], "streaming": [8e5, 8e5]})
    said = [
        inside("baseline", "ratchet", run, "--suite", "suite.toml", *more).stdout
        for run, more in (
            (first, ["--dry-run"]), (first, []), (better, []), (first, []), (first, ["--loosen"]),
        )
    ]  # fmt: skip
    turns = [line.split(": ")[1].split(" (")[0] for line in said]
    assert turns == ["new", "new", "tightened", "kept", "loosened"]
    assert "1.0 MiB" in said[0]
    assert "(this run exceeds it)" in said[3]
    (bound,) = open_baseline(work / "results" / "baseline").bounds
    assert (bound.upper_bound, bound.observed, bound.run) == (1.05e6, 1e6, first.name)
    assert bound.environment["memray"] == "1.20.0"
    (work / "other.toml").write_text(SUITE)
    clash = inside("baseline", "ratchet", first, "--suite", "other.toml")
    assert clash.returncode == 2
    assert "has a bound already, by suite 'suite'" in clash.stderr


def _interrupted(run: Path) -> None:
    write_manifest(run, structs.replace(read_manifest(run), state=INTERRUPTED))


def _edited(_: Path) -> None:
    path = Path("results/baseline/records.jsonl")
    path.write_bytes(path.read_bytes().replace(b"1000000.0", b"1900000.0"))


@pytest.mark.parametrize(
    ("spoil", "arguments", "code", "said"),
    [
        (_interrupted, ["promote"], 2, "did not reach its end (state: interrupted)"),
        (_interrupted, ["ratchet", "--suite", "suite.toml"], 4,
         "can bear no bound: the run did not reach"),
        (_edited, ["promote"], 2, "records.jsonl was changed"),
        (_edited, ["diff"], 2, "records.jsonl was changed"),
        (_edited, ["ratchet", "--suite", "suite.toml"], 2, "records.jsonl was changed"),
        (shutil.rmtree, ["promote"], 2, "is this a run directory"),
        (lambda _: None, ["ratchet", "--suite", "nope"], 2, "there is no suite called"),
    ],
    ids=["promote", "ratchet", "promote over", "diff with", "ratchet on", "no run", "no suite"],
)  # fmt: skip
def test_what_may_not_be_is_one_line_and_its_exit_code(  # noqa: PLR0917
    inside: Harness,
    work: Path,
    spoil: Callable[[Path], Any],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    run = promoted(work, inside)
    spoil(run)
    done = inside("baseline", arguments[0], run, *arguments[1:])
    assert done.returncode == code
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_a_baseline_it_is_said_how_to_make_one(inside: Harness) -> None:
    done = inside("baseline", "show")
    assert done.returncode == 2
    assert "python -m harness baseline promote RUN" in done.stderr


def test_history_names_the_commit_at_which_an_exact_metric_changed(
    inside: Harness, work: Path
) -> None:
    commits = [letter * 40 for letter in "abc"]
    for commit, peak in zip(commits, (1e6, 1e6, 1e6 + 1), strict=True):
        peaks = {"legacy": [9e6, 9e6], "streaming": [peak, peak]}
        sound_run(work / "runs", peaks, commit=commit)
    sound_run(work / "runs", state=INTERRUPTED)
    done = inside("history", "runs", "--json")
    assert done.returncode == 0, done.stderr
    assert "left out: the run did not reach its end (state: interrupted)" in done.stderr
    document = json.loads(done.stdout)
    assert_described("history.json", document)
    changes = {trend["arm"]: trend["changes"] for trend in document["trends"]}
    assert changes["legacy"] == []
    ((change),) = changes["streaming"]
    assert (change["commit"], change["since_commit"]) == (commits[2], commits[1])
    assert (change["kind"], change["delta_pct"]) == ("shift", pytest.approx(1e-4))
    assert {path.name for path in (work / "results" / "history").iterdir()} == {"history.svg"}
    told = inside("history", "runs", "--all").stdout
    assert "at cccccccccc, after bbbbbbbbbb" in told
    assert "no change" in told


def test_history_declares_a_break_where_python_changed(inside: Harness, work: Path) -> None:
    sound_run(work / "runs")
    versions = {**MANIFEST["versions"], "python": "3.12.1 (main)"}
    sound_run(work / "runs", {"legacy": [8e6], "streaming": [1e6]}, versions=versions)
    told = inside("history", "runs").stdout
    assert told.count("declared break: python 3.11.7, then 3.12.1") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "No such file or directory"),
        (["."], "contains no run"),
        (["runs", "--metric", "nope"], "no run measured any nope"),
    ],
    ids=["nothing there", "no runs", "no such metric"],
)
def test_a_history_of_nothing_is_one_line_and_exit_code_2(
    inside: Harness, work: Path, arguments: list[str], said: str
) -> None:
    sound_run(work / "runs")
    done = inside("history", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_run_that_was_promoted_and_its_baseline_are_one_point(
    inside: Harness, work: Path
) -> None:
    with RunWriter.create(work / "runs", a_manifest()) as writer:
        for record in records({"run_id": writer.run_id}, {"legacy": [1.0], "streaming": [1.0]}):
            writer.append(record)
        extra = a_record(probe="peak", arm="legacy", replicate=1, order=9, run_id=writer.run_id)
        writer.append(structs.replace(extra, values={PEAK: 1.0}))
    assert inside("baseline", "promote", writer.path).returncode == 0
    document = json.loads(inside("history", "runs", "results/baseline", "--json").stdout)
    assert_described("history.json", document)
    assert {len(trend["runs"]) for trend in document["trends"]} == {1}
