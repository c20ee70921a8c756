"""ELF and DWARF to a stream of packages: a library in itself, and this is its face."""

from harness.symbols.census import Census, census_of, count_entries
from harness.symbols.companions import Companion, companions_of
from harness.symbols.source import PackageSource, open_packages

__all__ = [
    "Census",
    "Companion",
    "PackageSource",
    "census_of",
    "companions_of",
    "count_entries",
    "open_packages",
]
