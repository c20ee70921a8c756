"""One Go binary as a stream of packages."""

from __future__ import annotations

from collections.abc import Iterator

from harness.config import SymbolOptions
from harness.model import Package
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile
from harness.symbols.go.binary import open_binary
from harness.symbols.go.packages import PackageReader
from harness.symbols.go.prepass import build_index
from harness.symbols.parts import iter_parts

STAGE = "extraction"

LANGUAGE = "go"


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
            yield from iter_parts(name, LANGUAGE, children, options.agent_version)
    finally:
        index.close()
