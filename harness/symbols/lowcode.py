"""Which functions are at the addresses that also mark discarded code: the symbol table knows.

Firmware has code at 0, or its table of vectors, and linkers write 0 for what they discarded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from harness.symbols.relocations import Symbols
from harness.symbols.sections import Section

STAGE = "extraction"

MARKS = (0, 1)
"""Addresses that may be marks as well as code; all ones and all ones less one are never code."""

_MOST_NAME_BYTES = 4096
_AT_ONCE = 1024
_THUMB = 1


class LowFunctions(NamedTuple):
    """The names of functions by address, for the addresses among MARKS that have any.

    If they are not `known`, the symbol table names no function at all, and proves nothing.
    """

    names: Mapping[int, frozenset[str]] = {}
    known: bool = False

    def is_discarded(self, address: int, names: tuple[str, ...]) -> bool:
        """Tell whether a function of these names that claims an address is not the one there.

        Compilers put a suffix behind the name of what they made of a function, as in `f.part.0`.
        """
        if address not in self.names:
            return False
        return not any(
            there == name or there.startswith(f"{name}.")
            for there in self.names[address]
            for name in filter(None, names)
        )


def find_low_functions(
    symbols: Symbols, strings: Section, machine: str, check_time: Callable[[], None]
) -> LowFunctions:
    """Return the functions that the symbol table has at the addresses of MARKS."""
    found: dict[int, set[str]] = {}
    known = False
    for number, (name, value) in enumerate(symbols.iter_functions()):
        if number % _AT_ONCE == 0:
            check_time()
        known = True
        address = value & ~_THUMB if machine == "EM_ARM" else value
        if address in MARKS and name < strings.size:
            text = strings.string(name, _MOST_NAME_BYTES).decode("utf-8", "replace")
            found.setdefault(address, set()).add(text)
    return LowFunctions({at: frozenset(names) for at, names in found.items()}, known)
