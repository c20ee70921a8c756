"""`harness compare` and `harness gate` as a user calls them, on stored runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs, to_builtins
from typer.testing import CliRunner, Result

from harness import judging, registry
from harness.cli.app import app
from harness.config import PipelineOptions
from harness.errors import HarnessError
from harness.stats.verdict import Verdict
from harness.store.manifest import read_manifest, write_manifest
from harness.tests.reports.golden_files import RUN

Row = dict[str, Any]
OUTPUTS = {"report.md", "report.json", "junit.xml", "decision.md"}
SUITE = """
corpus = "."
[[experiments]]
name = "peak"
binary = "big.so"
source = "replay"
optimization_goal = "heap_peak_memray"
replicates = 2
gate = true
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with two runs that measured the same, `old` and `new`, and a suite."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    for name in ("old", "new"):
        copy = shutil.copytree(RUN, tmp_path / name)
        manifest = read_manifest(copy)
        options = structs.replace(manifest.options, pipeline_options=PipelineOptions())
        write_manifest(copy, structs.replace(manifest, run_id=name, options=options))
        rewrite(copy, partial(renamed, name))
    (tmp_path / "mine.toml").write_text(SUITE)
    return tmp_path


def renamed(run_id: str, record: Any) -> None:
    record["job"]["run_id"] = run_id


def call(*arguments: str | Path) -> Result:
    """Run a command here; an error of ours becomes its exit code, as `main` makes it."""
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if isinstance(result.exception, HarnessError):
        result.exit_code = result.exception.exit_code
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rewrite(run: Path, change: Callable[[Any], object]) -> None:
    """Change every record of a run."""
    path = run / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        change(record)
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))


def worsen(run: Path, factor: float) -> None:
    """Make every peak of the streaming arm larger."""

    def enlarge(record: Any) -> None:
        values = record.get("values", {})
        if record["job"]["arm"] == "streaming" and "heap_peak_memray" in values:
            values["heap_peak_memray"] *= factor

    rewrite(run, enlarge)


def hold(size_bytes: int, record: Any) -> None:
    """Have a line of the streaming arm hold so much."""
    if record["job"]["probe"] == "memray":
        holding = {"location": "mine.py:3 f", "stage": "json", "size_bytes": size_bytes}
        record["holdings"] = [{**holding, "code": "rows = []"}]


def verdict_of(directory: Path) -> Verdict:
    return msgspec.json.decode((directory / "report.json").read_bytes(), type=Verdict)


@pytest.mark.usefixtures("runs")
def test_equal_runs_pass_and_all_outputs_are_written() -> None:
    result = call("gate", "--suite", "mine.toml", "--baseline", "old", "new")
    assert result.exit_code == 0, result.output
    assert {path.name for path in Path("new/gate").iterdir()} == OUTPUTS
    verdict = verdict_of(Path("new/gate"))
    assert (verdict.decision, verdict.exit_code) == ("pass", 0)
    assert verdict.suite == "mine"
    assert [row.delta_pct for row in verdict.experiments] == [0.0]


def test_a_worse_run_fails_and_says_how_to_repeat_it(runs: Path) -> None:
    worsen(runs / "new", 1.2)
    for name, size_bytes in (("old", 1024), ("new", 3072)):
        rewrite(runs / name, partial(hold, size_bytes))
    result = call("gate", "--suite", "mine.toml", "--baseline", "old", "--out", "out", "new")
    assert result.exit_code == 3
    (row,) = verdict_of(runs / "out").experiments
    assert (row.outcome, round(row.delta_pct or 0, 6)) == ("regressed", 20.0)
    assert row.repeat_command.startswith("python -m harness run corpus/big.so --source replay")
    assert row.repeat_command in (runs / "out" / "report.md").read_text()
    assert "holds more: mine.py:3 f +2.0 KiB (rows = [])" in result.stdout
    for name in ("report.md", "decision.md"):
        assert "mine.py:3 f" in (runs / "out" / name).read_text()


@pytest.mark.parametrize(
    "damage",
    ["no manifest", "not a list", "no records", "damaged line", "no samples", "interrupted"],
)
@pytest.mark.parametrize("side", ["old", "new"])
def test_damage_on_either_side_is_no_verdict_but_a_report(
    runs: Path, damage: str, side: str
) -> None:
    samples = runs / side / "records.jsonl"
    if damage == "no manifest":
        (runs / side / "manifest.json").unlink()
    elif damage == "no records":
        samples.unlink()
    elif damage == "not a list":
        damaged = {**to_builtins(read_manifest(runs / side)), "corpus": "big.so"}
        (runs / side / "manifest.json").write_text(json.dumps(damaged))
    elif damage == "interrupted":
        manifest = read_manifest(runs / side)
        write_manifest(runs / side, structs.replace(manifest, state="interrupted"))
    else:
        content = samples.read_bytes()
        samples.write_bytes(content.replace(b"{", b"[", 1) if damage == "damaged line" else b"")
    result = call("gate", "--suite", "mine.toml", "--baseline", "old", "--out", "out", "new")
    assert result.exit_code == 4, result.output
    assert verdict_of(runs / "out").decision == "invalid"
    assert {path.name for path in (runs / "out").iterdir()} == OUTPUTS


def test_a_run_with_other_options_than_the_suite_is_no_verdict(runs: Path) -> None:
    """Even where both sides have them: the suite says nothing of a threshold, so it is ours."""
    for side in ("old", "new"):
        manifest = read_manifest(runs / side)
        options = structs.replace(
            manifest.options, pipeline_options=PipelineOptions(threshold_bytes=65_536)
        )
        write_manifest(runs / side, structs.replace(manifest, options=options))
    result = call("gate", "--suite", "mine.toml", "--baseline", "old", "new")
    assert result.exit_code == 4
    assert "another threshold_bytes" in result.output


def test_built_in_gates_are_listed_and_one_that_is_not_installed_is_named(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(judging.BUILT_IN) == set(registry.names("gate"))
    monkeypatch.setattr(judging, "BUILT_IN", ("regression", "slopes"))
    result = call("gate", "--suite", "mine.toml", "--baseline", "old", "new")
    assert result.exit_code == 2
    assert "no gate called 'slopes'" in str(result.exception)
    assert not (runs / "new" / "gate").exists()


def test_nothing_is_written_into_a_baseline(runs: Path) -> None:
    (runs / "new" / "digests.json").write_text("{}")
    result = call("gate", "--suite", "mine.toml", "--baseline", "old", "new")
    assert result.exit_code == 2
    assert "break the seal" in str(result.exception)


@pytest.mark.usefixtures("runs")
def test_without_a_baseline_there_is_no_verdict() -> None:
    result = call("gate", "--suite", "mine.toml", "new")
    assert result.exit_code == 4
    assert "promote" in result.output


def test_the_step_summary_is_appended_to(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = runs / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    call("gate", "--suite", "mine.toml", "--baseline", "old", "new")
    assert summary.read_text().startswith("before\n# Verdict of suite mine: pass")


def test_a_summary_that_cannot_be_written_changes_no_verdict(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(runs / "nowhere" / "summary.md"))
    assert call("gate", "--suite", "mine.toml", "--baseline", "old", "new").exit_code == 0


@pytest.mark.usefixtures("runs")
def test_json_is_one_document_on_standard_output() -> None:
    gate = call("gate", "--suite", "mine.toml", "--baseline", "old", "--json", "new")
    assert json.loads(gate.stdout)["decision"] == "pass"
    compare = call("compare", "old", "new", "--metric", "heap_peak_memray", "--json")
    assert {row["state"] for row in json.loads(compare.stdout)["experiments"]} >= {"clean"}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(("gate", "nowhere"), 2, "is this a run directory", id="no run"),
        pytest.param(("gate", "--suite", "nono", "new"), 2, "no suite called", id="no suite"),
        pytest.param(("compare", "old", "old"), 2, "compared with itself", id="itself"),
        pytest.param(("compare", "old"), 2, "promote", id="no baseline"),
        pytest.param(("compare", "old", "new", "--arms", "legacy", "streaming"), 2, "one run only",
                     id="arms of two runs"),
        pytest.param(("compare", "old", "--arms", "legacy", "stream"), 2, "it has legacy",
                     id="no such arm"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("runs")
def test_what_makes_no_sense_is_one_line(arguments: tuple[str, ...], code: int, says: str) -> None:
    result = call(*arguments)
    assert result.exit_code == code
    assert says in str(result.exception)


def test_a_comparison_of_noise_is_inconclusive_and_one_of_bytes_is_not(runs: Path) -> None:
    noisy = call("compare", "old", "new", "--metric", "wall")
    assert noisy.exit_code == 4
    assert "inconclusive" in noisy.stdout
    worsen(runs / "new", 1.2)
    exact = call("compare", "old", "new", "--metric", "heap_peak_memray", "--all")
    assert "+20.00" in exact.stdout
    assert "exact" in exact.stdout
    tables = [line for line in exact.stdout.splitlines() if not line.startswith("  ")]
    assert max(map(len, tables)) <= 80


@pytest.mark.usefixtures("runs")
def test_two_arms_of_one_run_are_compared() -> None:
    result = call("compare", "old", "--arms", "legacy", "streaming", "--metric", "heap_peak_memray")
    assert "improved" in result.stdout
