"""ELF and DWARF to a stream of packages. `open_packages` is the way in."""

from harness.symbols.source import PackageSource, open_packages

__all__ = ["PackageSource", "open_packages"]
