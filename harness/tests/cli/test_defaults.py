"""A default that is changed where it is declared is what every command and every gate goes by."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from inspect import getsource
from pathlib import Path
from typing import Any

import msgspec
import pytest

import harness
from harness.cli.app import load_verb
from harness.cli.overview import VERBS
from harness.config import KIB, MEASURED_OPTIONS, PipelineOptions
from harness.intake.server import serve
from harness.tests.commands import ran, said_by
from harness.tests.symbols.binaries import FIXTURES

LIBRARY = FIXTURES / "c" / "dwarf5.so"
# What no general rule gives, or is asked for by its value below; not every compressor is installed.
FIELDS = {
    "threshold_bytes": "3 * KIB",
    "encoder": "'json'",
    "compressor": "'zlib'",
    "limits": "Limits(depth=7)",
    "host": "'127.0.0.2'",
    "budget": "'3 MiB'",
    "reduction_pct": "62.0",
    "overshoot_bytes": "31",
}
CONSTANTS = {
    "(TOP_UP, SLOTS)": "6, 3",
    "CORPUS": "Path('elsewhere')",
    "TIER": "'large'",
    "BASELINE": "Path('elsewhere')",
    "HISTORY": "Path('elsewhere')",
    "TOLERANCE_PCT": "6.0",
    "SUITE": "'ci'",
    "ONE_PIPELINE": "'legacy'",
    "LOCAL": "'dask'",
    "ROUNDS": "4",
    "EXPERIMENT_SOURCES": "('replay',)",
    "EXPERIMENT_REPLICATES": "4",
}


def changed(text: str) -> str:
    """Return the source of the options, with another value for everything that has a default."""
    module = ast.parse(text)
    fields = [part for node in module.body if isinstance(node, ast.ClassDef) for part in node.body]
    for node in (*fields, *module.body):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name, now = ast.unparse(target), ast.unparse(node.value)
            if node in module.body:
                now = CONSTANTS.get(name, now)
            elif name in FIELDS:
                now = FIELDS[name]
            elif isinstance(node, ast.AnnAssign) and "Annotated" in ast.unparse(node.annotation):
                now = _another(now, ast.unparse(node.annotation))
            node.value = ast.parse(now, mode="eval").body
    return ast.unparse(module)


def _another(now: str, kind: str) -> str:
    """Return the source of another default for a field whose type and choices are `kind`."""
    if choices := re.search(r"_choice\('([^']*)'", kind):
        one = next(one for one in choices[1].split("|") if not now.startswith(repr(one)))
        return f"({one!r},)" if now.startswith("(") else repr(one)
    if now == "()":
        return "(67108864,)" if "tuple[int" in kind else "('NAME=value',)"
    if now.startswith("("):
        return f"{now}[::-1]"
    known = {"None": "3", "True": "False", "False": "True", "''": "'changed'"}
    return known.get(now, "Path('changed')" if "Path(" in now else f"{now} * 2 or 1")


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
    config.write_text(changed(config.read_text()))
    environment = {**os.environ, "PYTHONPATH": str(work), "XDG_CACHE_HOME": str(work / "cache")}

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return ran(sys.executable, *map(str, arguments), cwd=work, env=environment, timeout=300)

    return run


def _options(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "manifest.json").read_text())["options"]
    return found


# What is measured with where nothing is said.
MEASURED = {
    "threshold_bytes": 3 * KIB,
    "function_limit": 2 * PipelineOptions().function_limit,
    "encoder": "json",
    "compressor": "zlib",
    "sync_flush": "package",
    "hard_limit": True,
    "sink": "disk",
}


def _measured(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in MEASURED_OPTIONS}


def test_every_command_measures_sends_and_expects_a_changed_default(
    call: Call, tmp_path: Path
) -> None:
    """What arms are asked for is in the manifest of a run that could measure nothing, too."""
    suite, stripped = tmp_path / "suite.toml", LIBRARY.with_name("stripped.so")
    suite.write_text(SUITE)
    measured, plain, swept = (tmp_path / name for name in ("suite", "run", "sweep"))
    names = ("--pipeline", "streaming", "--service", "s", "--version", "1", "--json")
    with serve() as server:
        url = f"{server.url}/count/symdb/v1/input"
        by_suite, judged, sent, *rejected = said_by(
            call,
            ["run", "--suite", suite, "--no-report", "--results", measured],
            ["gate", measured / "*", "--suite", suite],
            ["upload", LIBRARY, "--url", url, *names],
            ["run", "--source", "replay", "--no-report", stripped, "--results", plain],
            ["sweep", stripped, "--results", swept],
        )
    assert (by_suite[0], judged[0], sent[0]) == (0, 0, 0), (by_suite, judged, sent)
    assert {one["threshold_bytes"] for one in json.loads(sent[1])["batches"]} == {3 * KIB}
    assert all("rejected" in error for _, _, error in rejected)
    asked = {place: _options(run) for place in (measured, plain, swept) for run in place.iterdir()}
    for place, options in asked.items():
        usual = options["pipeline_options"]
        for own in [usual, *(arm["options"] for arm in options["arms"])]:
            assert _measured(own or usual) | {"threshold_bytes": 3 * KIB} == MEASURED
        assert place == swept or usual["threshold_bytes"] == 3 * KIB


# Where the default is no value of an option: it is off, not given, or has to be given.
NO_DEFAULTS = {"None", "True", "False", "''", "()", "[]"}
# Where the options of one command differ from those of all, by a constant beside them.
ITS_OWN = {("ab", "--probe"), ("limit", "--source"), ("scaling", "--threshold")}


def defaults_of(command: Any, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the default of every option and argument of a verb, and of those below it."""
    yield name, {one.opts[0]: repr(one.default) for one in command.params if one.name != "help"}
    for below, verb in getattr(command, "commands", {}).items():
        yield from defaults_of(verb, f"{name} {below}")


# What the changed copy says, in one process: each would load the same again.
ASK = f"""
import io, json
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from typing import Any
from harness.cli.app import load_verb
from harness.cli.overview import VERBS
from harness.schemas import schema_of
{getsource(defaults_of)}
with redirect_stdout(io.StringIO()) as out, suppress(SystemExit):
    load_verb("run")(["--help"])
found = dict(pair for name in VERBS for pair in defaults_of(load_verb(name), name))
named = ("summary.json", "suite.toml", "manifest.json")
schemas = {{name: schema_of(name)["$defs"] for name in named}}
print(json.dumps([out.getvalue(), found, schemas]))
"""


@pytest.fixture(scope="module")
def said(call: Call) -> tuple[str, dict[str, dict[str, str]], dict[str, Any]]:
    """Return the help of `run`, the defaults of all verbs, and three schemas, of the copy."""
    done = call("-c", ASK)
    assert done.returncode == 0, done.stderr
    help_, defaults, schemas = json.loads(done.stdout)
    return help_, defaults, schemas


def test_every_default_of_every_verb_is_declared_with_the_options(said: Any) -> None:
    """What is still the same where each default is another one is written a second time."""
    _, changed, _ = said
    usual = dict(pair for name in VERBS for pair in defaults_of(load_verb(name), name))
    same = {
        (verb, option)
        for verb, options in usual.items()
        for option, default in options.items()
        if default == changed[verb][option] and default not in NO_DEFAULTS
        if option != "--compressor"
    }
    assert same == ITS_OWN


def test_help_and_schemas_show_changed_defaults(said: Any) -> None:
    text, _, schemas = said
    assert "[default: 3 KiB]" in text
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
