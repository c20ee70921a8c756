"""Go binaries: names, build information, line tables and the packages made of them."""

from harness.symbols.go.buildinfo import has_build_info
from harness.symbols.go.extract import iter_go_packages

__all__ = ["has_build_info", "iter_go_packages"]
