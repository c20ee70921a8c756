"""What extraction makes is of the wire schema: nobody checks it again before it is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config import SymbolOptions
from harness.intake.schema import check_child, check_package
from harness.symbols import open_packages
from harness.tests.symbols.binaries import BINARIES, name_of


def check(path: Path, options: SymbolOptions) -> int:
    children = 0
    with open_packages(str(path), options) as source:
        for package in source.packages:
            check_package(package.scope)
            children += sum(1 for _ in map(check_child, package.children))
    return children


NATIVE = [path for path in BINARIES if path.stem != "split"]  # whose units are in another file


@pytest.mark.parametrize("path", NATIVE, ids=name_of)
def test_native_scopes_have_known_types_lines_and_no_empty_specifics(path: Path) -> None:
    assert check(path, SymbolOptions(locations="any")) > 0


@pytest.mark.parametrize(
    "options",
    [SymbolOptions(agent_version="7.1"), SymbolOptions(inlines="index", scope="main")],
    ids=["by unit, everything", "by index, the main module"],
)
def test_go_scopes_have_known_types_lines_and_no_empty_specifics(
    program: Path, options: SymbolOptions
) -> None:
    assert check(program, options) > 0
