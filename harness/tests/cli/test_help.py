"""What `-h` shows of every verb."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import typer

from harness.cli.app import app
from harness.tests.cli.conftest import Harness


def _iter_verbs(command: Any, name: str = "harness") -> Iterator[tuple[str, Any]]:
    yield name, command
    for under, verb in getattr(command, "commands", {}).items():
        yield from _iter_verbs(verb, f"{name} {under}")


def test_paragraphs_of_help_fill_the_terminal_whatever_its_width() -> None:
    verbs = dict(_iter_verbs(typer.main.get_command(app)))
    assert len(verbs) > 20
    assert [name for name, verb in verbs.items() if not verb.help] == []
    assert [name for name, verb in verbs.items() if "\n" in verb.help.replace("\n\n", "")] == []


def test_the_version_needs_no_verb(inside: Harness) -> None:
    done = inside("--version")
    assert done.returncode == 0
    assert done.stdout == f"{version('harness')}\n"
