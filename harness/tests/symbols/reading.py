"""Reading alone: every entry, range, location and line that extraction looks at, and nothing built.

What extraction makes of DWARF is the same code by either route, and Go's pclntab is none of
pyelftools' business. Their share bounds how far apart the routes can be; this leaves it out.
"""

from __future__ import annotations

from collections import Counter

from harness.config import Limits
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf import linehead, lines, lists
from harness.symbols.dwarf.dies import Walk
from harness.symbols.dwarf.units import Dwarf, Unit
from harness.symbols.elf import ElfFile

_VARIABLES = (dw.TAG_FORMAL_PARAMETER, dw.TAG_VARIABLE)
_WITH_CODE = (dw.TAG_SUBPROGRAM, dw.TAG_INLINED_SUBROUTINE, dw.TAG_LEXICAL_BLOCK)


def read_everything(path: str) -> Counter[str]:
    """Walk all entries of a binary; return counts and sums that only the same reading gives.

    The readers are called through their modules, where `pyelftools_route` replaces them.

    Raises:
        InputRejected: The file cannot be read.
    """
    found: Counter[str] = Counter()
    with ElfFile(path, Limits()) as elf:
        for unit in Dwarf(elf).iter_units():
            _read_unit(unit, found)
    return found


def _read_unit(unit: Unit, found: Counter[str]) -> None:
    is_go = unit.language == "go"  # which takes its lines from elsewhere
    found["files" if is_go else "rows"] += (
        len(linehead.read_files(unit)[1]) if is_go else len(lines.read_lines(unit))
    )
    for die in Walk(unit, unit.first):
        found["entries"] += 1
        found["tags"] += die.tag
        if die.tag in _VARIABLES:
            places, _ = lists.read_places(unit, die.attributes)
            found["locations"] += len(places)
            found["low ends"] += sum(low for low, _ in places)
        elif die.tag in _WITH_CODE:
            code = lists.pc_ranges(unit, die.attributes)
            found["ranges"] += len(code)
            found["high ends"] += sum(high for _, high in code)
