"""One open Go binary: everything that extraction reads from, and what it left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.config import SymbolOptions
from harness.errors import ConfigError
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.linehead import FileTable
from harness.symbols.dwarf.units import Dwarf, Unit
from harness.symbols.elf import ElfFile
from harness.symbols.go.buildinfo import read_build_info
from harness.symbols.go.linetable import GoLines
from harness.symbols.go.names import FunctionName, parse_function_name
from harness.symbols.go.scope_filter import ScopeFilter, make_filter
from harness.symbols.go.typenames import TypeNames

STAGE = "extraction"

INLINES = ("unit", "index")
INLINED = 1
"""DW_INL_inlined: the entry defines a function that was inlined somewhere."""


@dataclass(frozen=True, slots=True)
class GoBinary:
    """The readers over one binary. `skipped` counts what was left out, by reason."""

    dwarf: Dwarf
    lines: GoLines
    types: TypeNames
    filter: ScopeFilter
    options: SymbolOptions
    skipped: dict[str, int]

    def skip(self, reason: str) -> None:
        """Count one thing left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


def open_binary(
    dwarf: Dwarf, elf: ElfFile, options: SymbolOptions, skipped: dict[str, int]
) -> GoBinary:
    """Open the readers.

    Raises:
        ConfigError: An option has a value that it cannot have.
        InputRejected: There is no build information or no line table.
    """
    if options.inlines not in INLINES:
        raise ConfigError(f"{options.inlines!r} is no way to place inlines", remedy="unit or index")
    scope = make_filter(options, read_build_info(elf).main_module)
    return GoBinary(dwarf, GoLines(elf), TypeNames(dwarf), scope, options, skipped)


class UnitReader:
    """Decides, entry by entry, what the subprograms of one compilation unit are."""

    def __init__(self, binary: GoBinary, unit: Unit) -> None:
        self.unit = unit
        self._binary = binary
        self._files: FileTable | None = None

    def name_of(
        self, attributes: dict[int, Any], *, counting: bool = False
    ) -> tuple[str, FunctionName] | None:
        """Return raw and parsed name of a function that may be shown; None to leave it out."""
        raw = self.unit.text(attributes.get(dw.AT_NAME))
        parsed = parse_function_name(raw)
        if not isinstance(parsed, FunctionName):
            return self._left_out(f"function: {parsed.value}", counting)
        if not self._binary.filter.admits_package(parsed.package):
            return self._left_out("function: package out of scope", counting)
        return raw, parsed

    def concrete(
        self, attributes: dict[int, Any], *, counting: bool
    ) -> tuple[str, FunctionName] | None:
        """Return the names of a function with code of its own; None to leave it out."""
        names = self.name_of(attributes, counting=counting)
        if names is None:
            return None
        path = self.file_of(attributes)
        if not path:
            return self._left_out("function: no file", counting)
        if not self._binary.filter.admits_file(path):
            return self._left_out("function: generated or filtered file", counting)
        return names

    def file_of(self, attributes: dict[int, Any]) -> str:
        """Return the path of the file that declares an entry; empty if DWARF does not say."""
        number = attributes.get(dw.AT_DECL_FILE, 0)
        if not number:
            return ""
        if self._files is None:
            self._files = FileTable(self.unit)
        return self._files.path(number)

    def _left_out(self, reason: str, counting: bool) -> tuple[str, FunctionName] | None:
        if counting:
            self._binary.skip(reason)
        return None
