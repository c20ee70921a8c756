"""What `-h` shows of every verb, and what it takes to show it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.cli.app import load_verb
from harness.cli.overview import VERBS, overview, summary
from harness.tests.cli.conftest import Harness
from harness.tests.commands import ran

SLOW = {"pandas", "matplotlib", "scipy", "pydantic", "memray", "ruptures", "elftools", "jinja2"}

COMPLETING = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}

AFTER = """
import sys
from harness.cli import main
try:
    main()
finally:
    loaded = {name for name in sys.modules if name.startswith("harness.cli.")}
    print("loaded:", *loaded, *sys.modules.keys() & {*SLOW, 'typer', 'rich'})
"""


def _iter_verbs(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, command
    for under, verb in getattr(command, "commands", {}).items():
        yield from _iter_verbs(verb, f"{name} {under}")


def _loaded_after(*arguments: str) -> set[str]:
    code = AFTER.replace("SLOW", repr(SLOW))
    done = ran(sys.executable, "-c", code, *arguments)
    return set(done.stdout.rpartition("loaded:")[2].split())


def test_paragraphs_of_help_fill_the_terminal_whatever_its_width() -> None:
    verbs = dict(pair for name in VERBS for pair in _iter_verbs(load_verb(name), name))
    assert len(verbs) > 20
    assert [name for name, verb in verbs.items() if not verb.help] == []
    assert [name for name, verb in verbs.items() if "\n" in verb.help.replace("\n\n", "")] == []


def test_the_list_of_verbs_says_what_each_verb_says_of_itself() -> None:
    listed = " ".join(overview().split())
    for name in VERBS:
        assert summary(name) == load_verb(name).help.partition("\n")[0]
        assert f" {name} {summary(name)} " in listed


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_no_verb_and_nothing_slow(option: str) -> None:
    loaded = _loaded_after(option)
    assert "harness.cli.overview" in loaded
    assert not loaded & {*SLOW, "typer", "rich", *(f"harness.cli.{name}" for name in VERBS)}


def test_a_verb_that_is_called_is_imported_and_no_other_one() -> None:
    loaded = _loaded_after("merge", "--help")
    assert loaded & {f"harness.cli.{name}" for name in VERBS} == {"harness.cli.merge"}


def test_the_package_loads_nothing_before_it_knows_what_ctrl_c_means() -> None:
    code = "import sys; before = {*sys.modules}; import harness; print(*{*sys.modules} - before)"
    done = ran(sys.executable, "-c", code, check=True)
    assert {*done.stdout.split()} <= {"harness", "__future__"}


def test_the_version_needs_no_verb(inside: Harness) -> None:
    done = inside("--version")
    assert done.returncode == 0
    assert done.stdout == f"{harness.__version__}\n"


WORDS = (
    ("harness plu", "plugins"),
    ("harness schema --h", "--help"),
    ("harness ab --probe m", "memray memray-native"),
    ("harness run --arm s", "streaming"),
    ("harness run --source d", "dwarf"),
    ("harness ab --suite ''", "ci default seed"),
    ("harness gate --suite d", "default"),
)


def test_bash_completes_verbs_options_and_values_of_which_there_are_few(tmp_path: Path) -> None:
    command = tmp_path / "harness"
    start = "import sys; sys.argv[0] = 'harness'; from harness.cli import main; main()"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{start}" "$@"\n')
    command.chmod(0o755)
    script = f"""
source <({sys.executable} -m harness --show-completion bash)
complete -p harness
"""
    for words, _ in WORDS:
        script += f"COMP_WORDS=({words}); COMP_CWORD={len(words.split()) - 1}\n"
        script += "_harness_completion harness; echo ${COMPREPLY[*]}\n"
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **COMPLETING}
    done = ran("bash", "-c", script, env=env, check=True)
    assert done.stdout.splitlines() == [
        "complete -o default -F _harness_completion harness", *(found for _, found in WORDS),
    ]  # fmt: skip
