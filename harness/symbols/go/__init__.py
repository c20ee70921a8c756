"""Go binaries: names, build information, line tables and the packages made of them."""

from harness.symbols.go.extract import iter_go_packages

__all__ = ["iter_go_packages"]
