"""The pre-pass over all units, where instances have their definition in another unit.

Link-time optimisation leaves definitions with the units that the sources were compiled in, and code
with units of its own; Rust instantiates and inlines across codegen units. What an instance says is
worked out while its unit's lines are at hand, and stored until its definition is delivered. The
walk meets the other instances too, and stores what they say: each would be walked again otherwise.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import ELSEWHERE
from harness.symbols.dwarf.dies import Die, Walk
from harness.symbols.dwarf.filenames import SourceFile
from harness.symbols.dwarf.linehead import FileTable
from harness.symbols.dwarf.lists import CODE, pc_ranges
from harness.symbols.instances import StoredInstances
from harness.symbols.limits import STEP
from harness.symbols.lines import Range
from harness.symbols.native.chains import (
    INSTANCE_TAGS,
    crossing,
    definition_of,
    follow,
    reason_to_drop,
)
from harness.symbols.native.context import UnitReader, is_collected, reason_to_skip
from harness.symbols.native.functions import finish_body, instance_of
from harness.symbols.scopes import BLOCK_TAGS, VARIABLE_TAGS, BodyReader

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Dwarf, Unit

STAGE = "extraction"

# What has parameters of its own, which are not those of the function around it.
_ENCLOSING = INSTANCE_TAGS | {dw.TAG_SUBROUTINE_TYPE}
_TAGS = _ENCLOSING | VARIABLE_TAGS | BLOCK_TAGS
_WINDOW_BYTES = 64 * 1024
_KNOWN_ORIGINS = 4096
_OPEN_TABLES = 8
_PARTIAL = "delivered with the units that import it"
_IMPORTS = frozenset((dw.TAG_IMPORTED_UNIT,))
_NO_FILE = SourceFile("", "", b"")
_NOT_COPIED = (*CODE, dw.AT_DECLARATION)


def collect_foreign(dwarf: Dwarf, skipped: Counter[str], strict: bool) -> StoredInstances | None:
    """Return what instances say about definitions in other units; the caller closes it.

    None, for next to nothing, if no entry of the file can refer to another unit in this way.
    """
    if not _any_may_cross(dwarf):
        return None
    stored = StoredInstances()
    try:
        origins = _Origins()
        for unit in dwarf.iter_units():
            if is_collected(unit):
                _Collector(UnitReader(unit, skipped, strict), origins, stored).run()
        stored.seal()
    except BaseException:
        stored.close()
        raise
    return stored


def _any_may_cross(dwarf: Dwarf) -> bool:
    """Tell whether any abbreviation may have what it takes, by a few octets, unparsed."""
    section, wanted = dwarf.abbreviations_section, crossing(dwarf)
    for start in range(0, section.size, _WINDOW_BYTES):
        data = section.window(start, _WINDOW_BYTES + 2)
        if any(octets in data for octets in wanted):
            return True
    return False


def iter_imports(unit: Unit) -> Iterator[int]:
    """Yield where the partial units begin that a unit imports, itself or through others, once."""
    waiting, known = [unit.first], {unit.first}
    for offset in waiting:  # which goes on to what is added meanwhile
        owner = unit if offset == unit.first else unit.dwarf.unit_of(offset)
        for die in Walk(owner, owner.first, _IMPORTS, owner.aside):
            imported = die.attributes.get(dw.AT_IMPORT, ELSEWHERE)
            if imported not in known and unit.dwarf.is_partial(imported):
                known.add(imported)
                waiting.append(imported)
                yield imported


class _Open(NamedTuple):
    """A function or instance that the walk is inside of; without a body it is of no interest."""

    depth: int
    origin: _Origin | None
    body: BodyReader | None


class _Collector:
    """The walk over one unit: every entry is met once, however deep instances are nested."""

    def __init__(self, reader: UnitReader, origins: _Origins, stored: StoredInstances) -> None:
        self._reader = reader
        self._origins = origins
        self._stored = stored
        self._open: list[_Open] = []
        self._imported: frozenset[int] | None = None

    def run(self) -> None:
        """Store what all instances say."""
        unit, opened = self._reader.unit, self._open
        walk = Walk(unit, unit.first, _TAGS)
        for number, die in enumerate(walk):
            if number % STEP == 0:
                unit.dwarf.budget.check_time()
            while opened and opened[-1].depth >= walk.rose:
                self._close(opened.pop())
            ranges = None
            if opened and (body := opened[-1].body) is not None:
                ranges = body.feed(die)
            if die.tag in _ENCLOSING:
                opened.append(self._enter(die, ranges))
        while opened:
            self._close(opened.pop())

    def _enter(self, die: Die, ranges: list[Range] | None) -> _Open:
        unit = self._reader.unit
        at = die.attributes.get(dw.AT_ABSTRACT_ORIGIN)
        if die.tag == dw.TAG_INLINED_SUBROUTINE and (reason := reason_to_drop(at)):
            self._reader.skipped[reason] += 1
        if (
            at is None
            or at <= ELSEWHERE
            or not any(attribute in die.attributes for attribute in CODE)
        ):
            return _Open(die.depth, None, None)
        origin = self._origins.find(unit, at)
        if unit.first <= at < unit.end and not origin.is_stored_at_home:
            return _Open(die.depth, None, None)
        if origin.reason and (origin.reason != _PARTIAL or self._imports(origin.offset)):
            if origin.reason != _PARTIAL:
                self._reader.skipped[origin.reason] += 1
            return _Open(die.depth, None, None)
        if ranges is None:
            ranges = pc_ranges(unit, die.attributes)
        return _Open(die.depth, origin, BodyReader(unit, die.depth, ranges))

    def _imports(self, offset: int) -> bool:
        """Tell whether the unit imports the partial one of a definition: then it has its instances.

        The code of link-time optimisation is in units that refer to such, and do not import them.
        """
        if self._imported is None:
            self._imported = frozenset(iter_imports(self._reader.unit))
        return self._reader.unit.dwarf.unit_of(offset).first in self._imported

    def _close(self, entry: _Open) -> None:
        if entry.body is None or entry.origin is None:
            return
        origin = entry.origin
        reader, named = self._reader, bool(origin.file.path)
        unit = reader.unit
        if origin.is_stored_at_home and unit.first <= origin.offset < unit.end:
            file = origin.file.path
        elif named:
            file = reader.name_of(origin.file)
        else:
            file = reader.file_at(entry.body.root.ranges)
        body = finish_body(reader, entry.body, file)
        instance = instance_of(self._reader, body, direct=origin.direct)
        if instance is not None:
            instance.file = "" if named else file
            self._stored.add(origin.offset, instance)


class _Origin(NamedTuple):
    """A definition that instances of other units refer to.

    Attributes:
        offset: Of the definition.
        file: The source file that declares it.
        direct: Whether instances refer to the definition itself, and their variables to its own.
        reason: Why nobody will ask for it, if nobody will; of a partial unit, only its importers.
        is_stored_at_home: Whether instances in its own unit are stored. Those of a definition
            that names no file are not: they share the file of the first one.
    """

    offset: int
    file: SourceFile
    direct: bool
    reason: str
    is_stored_at_home: bool = False


class _Origins:
    """Origins by their offset. The last few thousand are kept, and the last few file tables."""

    def __init__(self) -> None:
        self._known: dict[int, _Origin] = {}
        self._files: OrderedDict[int, FileTable] = OrderedDict()

    def find(self, unit: Unit, offset: int) -> _Origin:
        """Return the origin at `offset`, which `unit` refers to."""
        found = self._known.get(offset)
        if found is None:
            if len(self._known) >= _KNOWN_ORIGINS:
                self._known.clear()
            found = self._known[offset] = self._judge(unit, offset)
        return found

    def _judge(self, unit: Unit, offset: int) -> _Origin:
        try:
            return self._read(unit, offset)
        except InputRejected:
            if unit.first <= offset < unit.end:  # old LLVM refers into the middle of entries
                return _Origin(offset, _NO_FILE, False, "")
            raise

    def _read(self, unit: Unit, offset: int) -> _Origin:
        place, attributes = definition_of(unit, offset)
        if place <= ELSEWHERE:
            return _Origin(place, _NO_FILE, False, "instance of a function in another file")
        home = unit.dwarf.unit_of(place)
        reason = _PARTIAL if unit.dwarf.is_partial(place) else ""
        if not reason and reason_to_skip(home):
            return _Origin(place, _NO_FILE, False, "instance of a function in a skipped unit")
        number, named_in = attributes.get(dw.AT_DECL_FILE), home
        if number is None:
            chain = follow(home, place, attributes)
            number, named_in = chain.found.get(dw.AT_DECL_FILE), chain.named_in
        file = _NO_FILE if number is None else self._table(named_in).source(number)
        copied = not any(attribute in attributes for attribute in _NOT_COPIED)
        at_home = copied and place == offset and bool(file.path) and named_in is home
        return _Origin(place, file, place == offset, reason, at_home)

    def _table(self, unit: Unit) -> FileTable:
        table = self._files.pop(unit.offset, None) or FileTable(unit)
        self._files[unit.offset] = table
        if len(self._files) > _OPEN_TABLES:
            self._files.popitem(last=False)
        return table
