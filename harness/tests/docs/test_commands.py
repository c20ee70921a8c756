"""Every command that a document quotes is one that the command line accepts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.util import find_spec
from typing import Any

import pytest
import typer

from harness.cli.app import app
from harness.tests.docs.checkout import checkout, document
from harness.tests.gates import test_whole

COMMAND = re.compile(r"python -m harness(?![\w.])[^`\n\"|]*(?:\"[^\"\n`]*\"[^`\n\"|]*)*")
MODULE = re.compile(r"python -m (harness\.[\w.]+\w)")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/*.md")


def _iter_quoted(pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for names in DOCUMENTS:
        for path in sorted(checkout().glob(names)):
            for found in pattern.findall(path.read_text(encoding="utf-8")):
                yield path.name, found


def _words(command: str) -> list[str]:
    """Return what stands behind `python -m harness`, up to whatever the shell does with it."""
    words = shlex.split(command, comments=True)[3:]
    ends = [n for n, word in enumerate(words) if re.fullmatch(r"[0-9]?[<>&;|].*|-->", word)]
    return words[: min(ends, default=len(words))]


def parse(words: list[str]) -> None:
    """Let the command line read these words, and do nothing."""
    command: Any = typer.main.get_command(app)
    context = None
    name = "harness"
    while True:
        context = command.make_context(name, list(words), parent=context)
        if not hasattr(command, "commands"):
            return
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        name, command, words = command.resolve_command(context, rest)


def test_every_command_in_the_documents_is_accepted() -> None:
    found = list(dict.fromkeys(_iter_quoted(COMMAND)))
    assert len(found) > 15
    refused = []
    for name, command in found:
        try:
            parse(_words(command))
        except Exception as error:  # noqa: BLE001  typer brings its own copy of click's errors
            refused.append(f"{name}: {command}: {error}")
    assert refused == []


def test_every_module_that_the_documents_run_is_there() -> None:
    found = list(_iter_quoted(MODULE))
    assert found
    assert [one for one in found if find_spec(one[1]) is None] == []


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("python -m harness run corpus/ --no-such-option", id="option"),
        pytest.param("python -m harness no-such-verb", id="verb"),
        pytest.param("python -m harness run corpus/ --source both-of-them", id="choice"),
        pytest.param("python -m harness report", id="argument that is missing"),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(command: str) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|not one of|missing"):
        parse(_words(command))


def test_relative_links_lead_somewhere() -> None:
    dead = [
        f"{path.name}: {target}"
        for pattern in DOCUMENTS
        for path in checkout().glob(pattern)
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document(str(path)))
        if not (path.parent / target).exists()
    ]
    assert dead == []


def test_every_environment_of_tox_is_told_to_contributors() -> None:
    parsed = ConfigParser(interpolation=None)
    parsed.read_string(document("tox.ini"))
    listed = [name.strip() for name in parsed["tox"]["env_list"].split(",")]
    own = [name.removeprefix("testenv:") for name in parsed if name.startswith("testenv:")]
    told = re.findall(r"^tox -e (\w+)", document("CONTRIBUTING.md"), re.MULTILINE)
    assert sorted(told) == sorted({*listed, *own})


def test_what_ci_runs_has_the_gate_on_equal_code_and_on_an_extra_copy() -> None:
    """`.ci/run` calls tox without a name, so what counts is what that does without being asked."""
    parsed = ConfigParser(interpolation=None)
    parsed.read_string(document("tox.ini"))
    assert parsed["tox"]["env_list"] == "all"
    assert "{[testenv]commands}" in parsed["testenv:all"]["commands"]
    assert "--pyargs harness.tests -n auto" in parsed["testenv"]["commands"]
    assert "slow" not in {mark.name for mark in getattr(test_whole, "pytestmark", [])}
    assert '\ntox -- -m "not slow"\n' in document(".ci/run")
