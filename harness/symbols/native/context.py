"""What reading one unit takes: its files, its lines, its types, and who its functions are."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.linehead import FileTable
from harness.symbols.dwarf.lines import LineTable, read_lines
from harness.symbols.dwarf.unithead import UT_COMPILE, UT_TYPE
from harness.symbols.native.chains import follow, may_cross
from harness.symbols.native.index import UnitIndex
from harness.symbols.native.lowlines import drop_discarded
from harness.symbols.native.typenames import TypeNames
from harness.symbols.split import SKELETON, is_skeleton

if TYPE_CHECKING:
    from harness.symbols.dwarf.filenames import SourceFile
    from harness.symbols.dwarf.units import Unit
    from harness.symbols.instances import StoredInstances
    from harness.symbols.lines import Range
    from harness.symbols.native.signed import SignedTypes

STAGE = "extraction"

FULL = "symbol beyond the limit of text in one scope"
NAMELESS = "type without a name"


_KNOWN_FILES = 256
_REASONS = {UT_TYPE: "type unit"}


def reason_to_skip(unit: Unit) -> str:
    """Return why a unit is left out; empty if it is not."""
    if is_skeleton(unit):
        return SKELETON
    if unit.kind != UT_COMPILE:
        return _REASONS.get(unit.kind, "partial, imported or split unit")
    if unit.root_tag != dw.TAG_COMPILE_UNIT:
        return "partial, imported or split unit"
    if unit.language not in ("c", "cpp", "rust"):
        return f"unit in {unit.language_name}"
    return ""


def is_collected(unit: Unit) -> bool:
    """Tell whether the pre-pass walks a unit, and stores what its instances say."""
    return may_cross(unit) and not reason_to_skip(unit)


class UnitReader:
    """One unit with its files and lines; both are read when they are first asked for."""

    def __init__(self, unit: Unit, skipped: Counter[str], strict: bool) -> None:
        self.unit = unit
        self.skipped = skipped
        self.strict = strict
        self._numbers: dict[str, frozenset[int]] = {}
        self._names: dict[SourceFile, str] = {}

    @cached_property
    def files(self) -> FileTable:
        """The unit's file table."""
        return FileTable(self.unit)

    @cached_property
    def lines(self) -> LineTable:
        """The unit's statement rows."""
        table = read_lines(self.unit)
        if self.unit.dwarf.elf.low_functions.names:
            drop_discarded(self.unit, table)
        return table

    def file_at(self, ranges: list[Range]) -> str:
        """Return the file of the first statement in some code; empty if there is none."""
        table = self.lines
        for low, high in ranges:
            for rows in table.iter_slices(low, high):
                return self.files.path(table.files[rows.start])
        return ""

    def name_of(self, file: SourceFile) -> str:
        """Return the path by which this unit knows a file of another one."""
        name = self._names.get(file)
        if name is None:
            if len(self._names) >= _KNOWN_FILES:
                self._names.clear()
            name = self._names[file] = self.files.name_of(file)
        return name

    def numbers_of(self, file: str) -> frozenset[int]:
        """Return the numbers by which the line table knows `file`: DWARF 5 often has two."""
        numbers = self._numbers.get(file)
        if numbers is None:
            if len(self._numbers) >= _KNOWN_FILES:
                self._numbers.clear()
            numbers = self._numbers[file] = frozenset(self.files.numbers_of(file))
        return numbers


class TypeContext:
    """One unit with its index and type names."""

    def __init__(
        self, unit: Unit, skipped: Counter[str], signed: SignedTypes, *, has_stored: bool = False
    ) -> None:
        self.unit = unit
        self.skipped = skipped
        self.signed = signed
        self.index = UnitIndex(unit, skipped, signed, has_stored=has_stored)
        self.types = TypeNames(unit, self.index, skipped, signed)
        self._room = 0

    def count_nameless(self) -> None:
        """Count the types without a name; who makes them part of another type takes one back."""
        nameless = self.index.nameless
        if nameless:
            self.skipped[NAMELESS] += nameless

    def settle_nameless(self) -> None:
        """Leave no count of none behind."""
        if self.skipped.get(NAMELESS, 1) <= 0:
            del self.skipped[NAMELESS]

    def open_scope(self) -> None:
        """Begin a child of the package, which has room for the limit's worth of text."""
        self._room = self.unit.dwarf.elf.limits.scope_chars

    def has_room(self, name: str, spelled: str = "") -> bool:
        """Take room for a symbol in the child last begun; one that finds none is counted."""
        self._room -= len(name) + len(spelled)
        if self._room >= 0:
            return True
        self.skipped[FULL] += 1
        return False


class Identity(NamedTuple):
    """Who a function is, gathered along its abstract origin and specification.

    It is named here if its file is one of the unit's own file table.
    """

    name: str
    linkage_name: str
    parent: str
    is_method: bool
    file: str
    line: int
    is_named_here: bool


class UnitContext(TypeContext, UnitReader):
    """One unit with its files, lines, index and type names.

    Args:
        unit: The unit.
        skipped: Counts what is left out, by reason.
        signed: The types that stand in units of their own.
        foreign: What other units' instances say; None if nobody asked them.
        strict: Whether only plain places count as available.

    Attributes:
        has_stored: Whether the pre-pass stored what the unit's own instances say as well.
    """

    def __init__(
        self,
        unit: Unit,
        skipped: Counter[str],
        signed: SignedTypes,
        foreign: StoredInstances | None,
        *,
        strict: bool,
    ) -> None:
        self.foreign = foreign
        self.has_stored = foreign is not None and is_collected(unit)
        TypeContext.__init__(self, unit, skipped, signed, has_stored=self.has_stored)
        UnitReader.__init__(self, unit, skipped, strict)
        if foreign is None and self.index.foreign:
            self.skipped["instance of another unit's function"] += self.index.foreign

    def identify(self, offset: int, attributes: dict[int, Any]) -> Identity:
        """Follow origin and specification from a function to its declaration.

        The parent is that of the declaration, wherever that is.
        """
        chain = follow(self.unit, offset, attributes)
        found, unit = chain.found, chain.unit
        parent, is_method = self.index.parent_of(chain.offset)
        linkage = found.get(dw.AT_LINKAGE_NAME, found.get(dw.AT_MIPS_LINKAGE_NAME))
        file = self._file(chain.named_in, found.get(dw.AT_DECL_FILE))
        return Identity(
            name=unit.text(found.get(dw.AT_NAME)),
            linkage_name=unit.text(linkage),
            parent=parent,
            is_method=is_method,
            file=file,
            line=found.get(dw.AT_DECL_LINE, 0),
            is_named_here=bool(file) and chain.named_in is self.unit,
        )

    def _file(self, unit: Unit, number: int | None) -> str:
        """Return a file by its number, which means something only in the unit that says it."""
        if number is None:
            return ""
        if unit is self.unit:
            return self.files.path(number)
        return self.name_of(FileTable(unit).source(number))
