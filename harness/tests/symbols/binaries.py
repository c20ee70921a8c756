"""The committed binaries that tests read, and what the independent tool counted in them."""

from __future__ import annotations

import json
from collections import deque
from functools import cache
from pathlib import Path
from typing import Any

from harness.config import SymbolOptions
from harness.corpus import fixtures_directory
from harness.model import Scope
from harness.symbols import open_packages

FIXTURES = fixtures_directory() / "binaries"
_WITHOUT_DWARF = {"stripped.so", "split.dwo"}
_MAGIC = b"\x7fELF"

ELF_FILES = sorted(
    path for path in FIXTURES.glob("*/*") if path.is_file() and path.read_bytes()[:4] == _MAGIC
)
BINARIES = [
    path
    for path in ELF_FILES
    if path.name not in _WITHOUT_DWARF and path.parent.name != "elsewhere"
]


def name_of(path: Path) -> str:
    """Return a test id: the folder and the file."""
    return f"{path.parent.name}-{path.stem}"


def counted(path: Path) -> dict[str, Any]:
    """Return the independent tool's counts of one binary."""
    files = json.loads((path.parent / "expected.json").read_text())["files"]
    found: dict[str, Any] = files[path.name]
    return found


def drain_file(path: Path, options: SymbolOptions | None = None) -> None:
    """Extract everything, and keep nothing."""
    with open_packages(str(path), options) as source:
        for package in source.packages:
            deque(package.children, maxlen=0)


@cache
def scopes_of(path: Path, options: SymbolOptions | None = None) -> dict[str, list[Scope]]:
    """Return the children of every package by its name, which each one must have for itself."""
    with open_packages(str(path), options) as source:
        return {package.scope.name: list(package.children) for package in source.packages}
