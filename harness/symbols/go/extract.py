"""One Go binary as a stream of packages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from harness.config import SymbolOptions
from harness.model import LanguageSpecifics, Package, Scope, count_functions, package_scope
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile
from harness.symbols.go.binary import open_binary
from harness.symbols.go.packages import PackageReader
from harness.symbols.go.prepass import build_index

LANGUAGE = "go"

MOST_FUNCTIONS = 4096
"""A package of more functions is delivered in parts, so that a batch can end inside it."""


def iter_go_packages(
    dwarf: Dwarf, elf: ElfFile, options: SymbolOptions, skipped: dict[str, int]
) -> Iterator[Package]:
    """Yield the packages of a Go binary, each name once, in the order of their first unit.

    A package without functions and types is not yielded. One that is larger than a bound comes in
    parts, all but the first marked as continuation.

    Args:
        dwarf: The binary's debugging information.
        elf: The binary itself; it stays open until the last package is done with.
        options: What to extract.
        skipped: Counts what was left out, by reason.

    Raises:
        InputRejected: The binary lacks build information or a line table, or is damaged.
    """
    binary = open_binary(dwarf, elf, options, skipped)
    index = build_index(binary)
    try:
        for number in index.order():
            children = PackageReader(binary, index, number).iter_children()
            name = index.packages[number].name
            yield from _iter_parts(name, children, options.agent_version)
    finally:
        index.close()


def _iter_parts(name: str, children: Iterator[Scope], agent_version: str) -> Iterator[Package]:
    """Yield a package as one part or several; as none if there is no child."""
    continuation = False
    while (first := next(children, None)) is not None:
        part = _iter_part(chain((first,), children))
        del first
        specifics = LanguageSpecifics(agent_version=agent_version, continuation=continuation)
        empty = specifics == LanguageSpecifics()
        yield Package(package_scope(name, None if empty else specifics), LANGUAGE, part)
        for _ in part:
            pass  # a consumer may leave a part early; the next one begins where this one ends
        continuation = True


def _iter_part(children: Iterator[Scope]) -> Iterator[Scope]:
    """Yield children until they hold as many functions as one part may have."""
    functions = 0
    for child in children:
        functions += count_functions(child)
        yield child
        del child
        if functions >= MOST_FUNCTIONS:
            return
