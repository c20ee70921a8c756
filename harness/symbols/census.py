"""Count what a binary holds, and write it down on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO

import msgspec

from harness.model import Scope
from harness.symbols.dwarf.dies import Walk
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile
from harness.symbols.source import PackageSource

STAGE = "extraction"


@dataclass(slots=True)
class Census:
    """Counts over a whole binary; `skipped` by reason. Parts of a package count as one package."""

    language: str
    packages: int = 0
    types: int = 0
    functions: int = 0
    methods: int = 0
    blocks: int = 0
    fields: int = 0
    args: int = 0
    locals: int = 0
    skipped: dict[str, int] = field(default_factory=dict)

    def found(self) -> dict[str, int]:
        """Return the counts of what was found, by name."""
        names = ("packages", "types", "functions", "methods", "blocks", "fields", "args", "locals")
        return {name: getattr(self, name) for name in names}

    def add(self, scope: Scope) -> None:
        """Count one child of a package and all that it encloses."""
        counter = _SCOPES[scope.scope_type]
        setattr(self, counter, getattr(self, counter) + 1)
        for symbol in scope.symbols:
            kind = _SYMBOLS[symbol.symbol_type]
            setattr(self, kind, getattr(self, kind) + 1)
        for child in scope.scopes:
            self.add(child)


_SCOPES = {"struct": "types", "function": "functions", "method": "methods", "local": "blocks"}
_SYMBOLS = {"field": "fields", "static_field": "fields", "arg": "args", "local": "locals"}


def census_of(source: PackageSource, sink: IO[bytes] | None = None) -> Census:
    """Walk all packages; with a `sink`, write each package scope as one line of JSON.

    The line is written child by child: a package larger than memory is no matter.
    """
    census = Census(source.language, skipped=source.skipped)
    encoder = msgspec.json.Encoder()
    for package in source.packages:
        specifics = package.scope.language_specifics
        census.packages += not (specifics and specifics.continuation)
        if sink is not None:
            sink.write(encoder.encode(package.scope)[:-1])
        before = b',"scopes":['
        for child in package.children:
            census.add(child)
            if sink is not None:
                sink.write(before + encoder.encode(child))
                before = b","
        if sink is not None:
            sink.write(b"}\n" if before[0:2] == b',"' else b"]}\n")
    return census


def count_entries(path: str) -> int:
    """Return the number of debugging entries in a binary, those of type units of DWARF 4 left out.

    Raises:
        InputRejected: The file cannot be read as ELF with DWARF.
    """
    with ElfFile(path) as elf:
        return sum(1 for unit in Dwarf(elf).iter_units() for _ in Walk(unit, unit.first))
