"""The committed Go program: unpack it, and extract it as plain JSON-like trees."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from harness.config import SymbolOptions
from harness.corpus import fixtures_directory
from harness.model import Package
from harness.symbols import open_packages
from harness.symbols.elf import ElfFile

FOLDER = fixtures_directory() / "binaries" / "go"
GOLDEN = Path(__file__).parent / "golden" / "demo.json"

Tree = dict[str, Any]


def unpack(folder: Path) -> Path:
    """Write the program's binary into a folder and return its path."""
    path = folder / "demo"
    path.write_bytes(lzma.decompress((FOLDER / "demo.xz").read_bytes()))
    return path


def sections_of(path: Path) -> list[tuple[str, int, bytes]]:
    """Return name, address and content of the sections of a binary, as `write_elf` takes them."""
    with ElfFile(str(path)) as elf:
        found = [elf.section(name) for name in elf.names() if name and name != ".shstrtab"]
        return [(s.name, s.address, s.read(0, s.size)) for s in found if s is not None]


def extract(
    path: Path, options: SymbolOptions, skipped: dict[str, int] | None = None
) -> Iterator[Tree]:
    """Yield the package scopes of a binary with their children in place."""
    with open_packages(str(path), options) as source:
        for package in source.packages:
            yield whole(package)
    if skipped is not None:
        skipped |= source.skipped


def whole(package: Package) -> Tree:
    """Return a package's scope as a tree, children included."""
    package.scope.scopes = list(package.children)
    tree: Tree = json.loads(msgspec.json.encode(package.scope))
    return tree


def golden() -> list[Tree]:
    """Return the expected packages of the program's own module."""
    packages: list[Tree] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return packages
