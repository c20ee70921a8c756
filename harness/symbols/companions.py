"""Which files beside a binary its packages also come from, as they are now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from harness.config import SymbolOptions
from harness.errors import InputRejected
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.opening import holds_archive, open_described
from harness.symbols.split import is_skeleton, iter_split_places
from harness.symbols.supplement import iter_supplement_places

STAGE = "extraction"

Companion: TypeAlias = tuple[str, int, int]
"""Path, size and time of the last change in nanoseconds."""


def companions_of(path: str, options: SymbolOptions) -> list[Companion]:
    """Return the debug, supplementary and split files of a binary that are there, in order.

    What was extracted stays true while this and the binary stay the same. Nothing is said here of
    a file that cannot be read: whoever extracts from it does.
    """
    found: dict[str, Companion] = {}
    if not holds_archive(path):
        with suppress(InputRejected, OSError, ValueError, LookupError):
            for place in _iter_places(path, options):
                with suppress(OSError):
                    state = Path(place).stat()
                    found[place] = (place, state.st_size, state.st_mtime_ns)
    return list(found.values())


def _iter_places(path: str, options: SymbolOptions) -> Iterator[str]:
    with open_described(path, options) as elf:
        if elf.path != path:
            yield elf.path
        yield from iter_supplement_places(elf, options.debug_dirs)
        yield from _iter_split(Dwarf(elf), options.debug_dirs)


def _iter_split(dwarf: Dwarf, directories: Sequence[str]) -> Iterator[str]:
    for unit in dwarf.iter_units():
        if is_skeleton(unit):
            yield from iter_split_places(unit, directories)
