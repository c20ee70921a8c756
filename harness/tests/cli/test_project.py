"""What a project sets for itself in pyproject.toml, what is plugged in, and pipelines by place."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness import registry
from harness.arms.calls import pipelines_of
from harness.cli.app import app, load_verb
from harness.cli.options import settable_keys
from harness.errors import ConfigError
from harness.registry import plugged
from harness.run.extensions import resolve_probes
from harness.run.manifest import _module_digest
from harness.run.targets import load
from harness.tests.commands import distribution
from harness.tests.described import validator


def defaults(verb: str) -> dict[str, object]:
    return dict(load_verb(verb).context_settings["default_map"])


def write(directory: Path, text: str) -> None:
    (directory / "pyproject.toml").write_text(text)


def test_a_project_sets_what_its_commands_would_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, '[tool.harness]\nprobe = "peak"\nreplicates = 2\nresults = "kept"\n'
                    'threshold = "64 KiB"\nenv = ["A=b"]\nflame = true\n')  # fmt: skip
    monkeypatch.chdir(tmp_path)
    expected = {"probes": ["peak"], "replicates": "2", "results": "kept", "env": ["A=b"],
                "threshold_bytes": "64 KiB", "flame": True}  # fmt: skip
    assert defaults("run") == expected
    own = {"probes", "threshold_bytes"}  # ab has its own instruments, and no threshold
    assert defaults("ab") == {name: one for name, one in expected.items() if name not in own}
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    assert defaults("run")["results"] == tmp_path / "kept"
    assert "probes" not in defaults("sweep")  # it has its own


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("replicate = 2", "has no key 'replicate' — did you mean 'replicates'?"),
        ("replicates = [2]", "replicates = [2] — give it a whole number"),
        ('replicates = "2"', "replicates = '2' — give it a whole number"),
        ("replicates = 0", "replicates = 0: minimum is 1"),
        ("timeout = true", "timeout = True — give it a number"),
        ('flame = "yes"', "flame = 'yes' — give it a truth value"),
        ("results = 3", "results = 3 — give it a text"),
        ("probe = {}", "probe = {} — give it a text or a list of texts"),
        (
            'probe = ["peek"]',
            "probe = ['peek']: there is no probe called 'peek' — did you mean 'pe",
        ),
        ('arm = "mine"', "arm = 'mine': there is no pipeline called 'mine'"),
        ('env = "LEVEL"', "env = 'LEVEL': 'LEVEL' sets no variable"),
        ('source = "dwarv"', "source = 'dwarv': it has no such choice — did you mean 'dwarf'?"),
        ('threshold = "much"', "threshold = 'much': --threshold: 'much' is not a size"),
        ('limit = ["dice=1"]', "limit = ['dice=1']: no limit is called 'dice'"),
    ],
)
def test_a_value_that_cannot_be_names_the_file_the_key_and_what_can(
    text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, f"[tool.harness]\n{text}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as refused:
        load_verb("run")
    said = f"{tmp_path / 'pyproject.toml'}: [tool.harness] "
    assert str(refused.value).replace(said, "").startswith(problem)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [("[tool.harness", "cannot be read"), ("[tool]\nharness = 3", "tool.harness is no table")],
)
def test_what_a_project_cannot_set_is_one_line(
    text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as refused:
        load_verb("run")
    assert problem in str(refused.value)


def test_every_key_is_an_option_of_run() -> None:
    flags = {flag for option in load_verb("run").params for flag in option.opts}
    assert {f"--{key}" for key in settable_keys()} <= flags


def test_what_is_plugged_in_is_told_with_who_brings_it() -> None:
    found = {(one.kind, one.name): one for one in plugged()}
    assert found["pipeline", "streaming"].target == "harness.pipelines.streaming:run"
    assert found["pytest", "harness"].version
    assert {one.kind for one in found.values()} >= {"pipeline", "probe", "gate", "plot", "pytest"}


BROKEN = """
[harness.probe]
gone = broken_plugin_gone:Probe
untyped = broken_plugin:VALUE
undeclared = broken_plugin:Probe
peak = broken_plugin:Probe
[harness.pipeline]
raises = broken_plugin.raises:run
misnamed = broken_plugin:rum
uncallable = broken_plugin:VALUE
"""


def test_a_broken_plugin_is_told_by_name_and_breaks_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, "broken", BROKEN)
    (tmp_path / "broken_plugin").mkdir()
    (tmp_path / "broken_plugin" / "__init__.py").write_text("VALUE = 3\nclass Probe: pass\n")
    (tmp_path / "broken_plugin" / "raises.py").write_text("raise RuntimeError('no luck')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "_points", lambda group: entry_points(group=group))
    done = CliRunner().invoke(app, ["plugins", "--json"])
    document = json.loads(done.stdout)
    validator("plugins.json").validate(document)
    assert str(done.exception).startswith("broken: pipeline ")
    told = {one["name"]: one["problem"] for one in document["plugins"]
            if one["distribution"] == "broken"}  # fmt: skip
    assert {name: said for name, said in told.items() if PROBLEMS[name] not in said} == {}
    for name in ("gone", "untyped", "peak", "undeclared"):
        with pytest.raises(ConfigError) as refused:
            resolve_probes((name,))
        assert f"probe {name!r}" in str(refused.value)
        assert PROBLEMS[name] in str(refused.value)


PROBLEMS = {
    "gone": "No module named 'broken_plugin_gone'",
    "untyped": "is of type int, which cannot be called",
    "undeclared": "declares no metrics",
    "peak": "is registered twice",
    "raises": "RuntimeError: no luck",
    "misnamed": "has no attribute 'rum'",
    "uncallable": "is of type int, which cannot be called",
}


def test_a_pipeline_that_is_not_installed_is_named_by_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_pipeline.py").write_text("def run(*_): return 'mine'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "nowhere"))  # and all of the path is put back
    arms = pipelines_of(["streaming", "a=own_pipeline:run", f"b={tmp_path}/own_pipeline.py:run"])
    assert [arm.name for arm in arms] == ["streaming", "a", "b"]
    assert arms[1].pipeline == arms[2].pipeline == f"{tmp_path}:own_pipeline:run"
    assert load(arms[1].pipeline)() == "mine"
    assert len(_module_digest(arms[1].pipeline)) == 64
    assert not _module_digest("io:open")  # in no file of its own, but frozen into Python
    with pytest.raises(ConfigError, match="no module nowhere_at_all"):
        pipelines_of(["a=nowhere_at_all:run"])
    with pytest.raises(ConfigError, match="has no name"):
        pipelines_of(["=own_pipeline:run"])
