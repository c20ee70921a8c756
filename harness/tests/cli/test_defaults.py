"""A default that is changed where it is declared is what every command and every gate goes by."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import harness
from harness.config import KIB, MEASURED_OPTIONS, PipelineOptions, flag_of
from harness.intake.server import serve
from harness.tests.symbols.binaries import FIXTURES

LIBRARY = FIXTURES / "c" / "dwarf5.so"
CHANGED = {
    "    threshold_bytes": "3 * KIB",
    "    function_limit": "77",
    "    encoder": '"json"',
    "    sizes": "7",
    "    size": '"dies"',
    "    port": "4321",
    "    attempts": "9",
    "    reduction_pct": "62.0",
    "    overshoot_bytes": "31",
    "TOP_UP, SLOTS": "6, 3",
    "TIER": '"large"',
    "HISTORY": 'Path("elsewhere")',
    "EXPERIMENT_SOURCES": '("replay",)',
    "EXPERIMENT_REPLICATES": "4",
}
VALUES = {"threshold_bytes": 3 * KIB, "function_limit": 77, "encoder": "json"}

SUITE = f"""
corpus = "{LIBRARY}"
needs_baseline = false
[[experiments]]
name = "peak"
source = "replay"
replicates = 1
gate = true
[[experiments.checks]]
name = "heap"
bounds = {{ series = "heap_peak", upper_bound = "1 GiB" }}
"""

Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Call:
    """Return what runs Python with a copy of the harness in which some defaults are changed."""
    work = tmp_path_factory.mktemp("changed")
    here = Path(harness.__file__).parent
    shutil.copytree(here, work / "harness", ignore=shutil.ignore_patterns("tests"))
    if not (here / "fixtures").exists():  # a checkout, not an installation
        (work / "fixtures").symlink_to(here.parent / "fixtures")
    config = work / "harness" / "config.py"
    text = config.read_text()
    for name, value in CHANGED.items():
        text, count = re.subn(
            rf"(\n{name}(?:: Annotated\[.*?\]|: [^\n=]*)? = )[^\n]+",
            rf"\g<1>{value}",
            text,
            count=1,
            flags=re.DOTALL,
        )
        assert count == 1
    config.write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(work), "XDG_CACHE_HOME": str(work / "cache")}

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=work, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    return run


def _options(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "manifest.json").read_text())["options"]
    return found


def _changed(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in VALUES}


def test_run_measures_with_a_changed_default_and_a_suite_and_its_gate_expect_it(
    call: Call, tmp_path: Path
) -> None:
    suite = tmp_path / "suite.toml"
    suite.write_text(SUITE)
    alone = (
        "--source",
        "replay",
        "--probe",
        "peak",
        "--replicates",
        "1",
        "--arm",
        "streaming",
        "--no-report",
    )
    for name, options in {
        "run": (LIBRARY, *alone),
        "suite": ("--suite", suite, "--no-report"),
    }.items():
        done = call("-m", "harness", "run", *options, "--results", tmp_path / name)
        assert done.returncode == 0, done.stderr
        (run,) = (tmp_path / name).iterdir()
        assert _changed(_options(run)["pipeline_options"]) == VALUES
    judged = call("-m", "harness", "gate", run, "--suite", suite)
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_upload_sends_with_a_changed_default(call: Call) -> None:
    with serve() as server:
        url = f"{server.url}/count/symdb/v1/input"
        done = call(
            "-m",
            "harness",
            "upload",
            LIBRARY,
            "--url",
            url,
            "--service",
            "s",
            "--version",
            "1",
            "--json",
        )
    assert done.returncode == 0, done.stderr
    assert {one["threshold_bytes"] for one in json.loads(done.stdout)["batches"]} == {3 * KIB}


def test_a_sweep_measures_with_a_changed_default(call: Call, tmp_path: Path) -> None:
    """What its arms are asked for is in the manifest of a run that could measure nothing, too."""
    done = call("-m", "harness", "sweep", LIBRARY.with_name("stripped.so"), "--results", tmp_path)
    assert "rejected" in done.stderr
    (run,) = tmp_path.iterdir()
    for arm in _options(run)["arms"]:
        assert {
            **_changed(arm["options"]),
            "threshold_bytes": 0,
        } == {**VALUES, "threshold_bytes": 0}


SHOWN = {
    "run": {flag_of("threshold_bytes"): "3 KiB", flag_of("function_limit"): "77"},
    "scaling": {"--sizes": "7", "--size": "dies"},
    "intake": {"--port": "4321"},
    "upload": {"--attempts": "9"},
    "corpus fetch": {"--tier": "large"},
    "history": {"--output": "elsewhere"},
}

# What verbs and schemas of the changed copy say, in one process: each would load the same again.
ASK = f"""
import io, json
from contextlib import redirect_stdout, suppress
from harness.cli.app import load_verb
from harness.schemas import schema_of
def text(verb):
    name, *rest = verb.split()
    with redirect_stdout(io.StringIO()) as out, suppress(SystemExit):
        load_verb(name)([*rest, "--help"])
    return out.getvalue()
named = ("summary.json", "suite.toml", "manifest.json")
found = {{verb: text(verb) for verb in {list(SHOWN)!r}}}
print(json.dumps([found, {{name: schema_of(name)["$defs"] for name in named}}]))
"""


def test_help_and_schemas_show_changed_defaults(call: Call) -> None:
    helps, schemas = json.loads(call("-c", ASK).stdout)
    for verb, options in SHOWN.items():
        text = " ".join(re.sub("[│╭╰─╮╯]", " ", helps[verb]).split())
        for option, shown in options.items():
            assert re.search(rf"{option} .*?\[default: (.*?)\]", text)[1] == shown  # type: ignore[index]
    assert schemas["summary.json"]["Claim"]["properties"] == {
        "reduction_pct": {"type": "number", "default": 62.0},
        "overshoot_bytes": {"type": "integer", "default": 31},
    }
    experiment = schemas["suite.toml"]["Experiment"]["properties"]
    assert experiment["replicates"]["default"] == 4
    assert experiment["source"]["default"] == ["replay"]
    assert schemas["manifest.json"]["Options"]["properties"]["top_up"]["default"] == 6


def test_what_a_suite_may_set_is_an_option_of_pipelines() -> None:
    usual = msgspec.to_builtins(PipelineOptions())
    assert set(MEASURED_OPTIONS) < set(usual)
