"""What a project sets for itself in pyproject.toml, what is plugged in, and pipelines by place."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.calls import pipelines_of
from harness.cli.app import load_verb
from harness.cli.options import settable_keys
from harness.errors import ConfigError
from harness.registry import plugged
from harness.run.manifest import _module_digest
from harness.run.targets import load


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
        ("[tool.harness]\nreplicate = 2", "no key 'replicate' — did you mean 'replicates'?"),
        ("[tool.harness]\nreplicates = [2]", "replicates takes one value"),
        ("[tool.harness]\nprobe = {}", "probe is {} — give it text"),
        ("[tool.harness", "cannot be read"),
        ("[tool]\nharness = 3", "tool.harness is no table"),
    ],
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
    with pytest.raises(ConfigError, match="no module nowhere_at_all"):
        pipelines_of(["a=nowhere_at_all:run"])
    with pytest.raises(ConfigError, match="has no name"):
        pipelines_of(["=own_pipeline:run"])
