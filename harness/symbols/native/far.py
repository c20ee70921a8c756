"""Names of what other units hold: link-time optimisation and dwz let a unit refer to any other.

The entries of a unit have no link to what encloses them, and the index of one unit knows only its
own. The first question about another unit takes one walk over all in its language, which notes the
container of every entry that has one but the unit: 64 bits each, spilled. C, where only functions
enclose, does without.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.dies import Die, Walk, read_die
from harness.symbols.limits import STEP
from harness.symbols.native.chains import follow
from harness.symbols.native.closures import closure_name
from harness.symbols.native.paths import NAMED_TAGS, Path, path_of
from harness.symbols.native.typenames import TypeNames
from harness.symbols.native.unnamed import LOW_HALF
from harness.symbols.spill import SortedKeys

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Dwarf, Unit
    from harness.symbols.native.signed import SignedTypes

STAGE = "extraction"

_BITS = 32
_CACHED_PATHS = 256


class FarNames:
    """What encloses the entries of any unit. To be closed."""

    def __init__(self, dwarf: Dwarf, skipped: Counter[str]) -> None:
        self._dwarf = dwarf
        self._skipped = skipped
        self._keys: dict[str, SortedKeys] = {}
        self._paths: dict[int, Path] = {}
        self._unfinished: set[int] = set()
        self.signed: SignedTypes | None = None

    def close(self) -> None:
        """Give the file back, and forget what refers back to here."""
        self.signed = None
        for keys in self._keys.values():
            keys.close()

    def parent_of(self, offset: int) -> Path:
        """Return the qualified name of what encloses the entry, and whether that is a type."""
        language = self._dwarf.unit_of(offset).language
        keys = self._keys.get(language)
        if keys is None:
            keys = self._keys[language] = _read_containers(self._dwarf, language)
        key = next(keys.iter_range(offset << _BITS, offset + 1 << _BITS), 0)
        container = key & LOW_HALF
        if not container:
            return "", False
        known = self._paths.get(container)
        if known is None:
            if len(self._paths) >= _CACHED_PATHS:
                self._paths.clear()
            unit = self._dwarf.unit_of(container)
            die = read_die(unit, container)
            known = self._paths[container] = path_of(self, unit, die, self.parent_of(container)[0])
        return known

    def type_name(self, die: Die) -> str:
        """Return the qualified name of a type: its own, or a closure's; empty without one."""
        if self.signed is not None and (path := self.signed.name(die)):
            return path
        unit = self._dwarf.unit_of(die.offset)
        chain = follow(unit, die.offset, die.attributes)
        name = chain.unit.text(chain.found.get(dw.AT_NAME)) or self._closure_name(unit, die)
        parent, _ = self.parent_of(chain.offset)
        return f"{parent}::{name}" if name and parent else name

    def _closure_name(self, unit: Unit, die: Die) -> str:
        if self.signed is None or not die.has_children:
            return ""
        names = TypeNames(unit, self, self._skipped, self.signed)
        return closure_name(unit, names, die, self._unfinished)


def _read_containers(dwarf: Dwarf, language: str) -> SortedKeys:
    """Walk the units in a language; return a key for each entry: its offset, its container's."""
    keys = SortedKeys()
    try:
        more = dwarf.supplement.iter_units() if dwarf.supplement is not None else ()
        for unit in chain(dwarf.iter_units(), more):
            if unit.language == language != "c":
                _note_unit(unit, keys)
        keys.seal()
    except BaseException:
        keys.close()
        raise
    return keys


def _note_unit(unit: Unit, keys: SortedKeys) -> None:
    stack: list[tuple[int, int]] = []
    walk = Walk(unit, unit.first, NAMED_TAGS)
    for number, die in enumerate(walk):
        if number % STEP == 0:
            unit.dwarf.budget.check_time()
        while stack and stack[-1][0] >= walk.rose:
            stack.pop()
        if stack and die.offset <= LOW_HALF:
            keys.add(die.offset << _BITS | stack[-1][1])
        if die.has_children:
            stack.append((die.depth, die.offset))
