"""Split DWARF: units whose entries are in a file of their own, or in a package of such files.

The binary keeps a skeleton of each: its addresses, lines and ranges. What it lacks is read from the
other file's sections, whose names end in `.dwo`, and what both have from the binary's. In a package
(`.dwp`), an index says by a unit's number which part of each section is its own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.unithead import (
    UT_COMPILE,
    UT_SKELETON,
    UT_SPLIT_COMPILE,
    UT_SPLIT_TYPE,
    UT_TYPE,
    read_header,
)
from harness.symbols.dwarf.units import Dwarf, Unit
from harness.symbols.elf import ElfFile
from harness.symbols.headers import ByteOrder

if TYPE_CHECKING:
    from harness.symbols.sections import Section

STAGE = "extraction"

SKELETON = "skeleton unit without its split file"
"""Why a unit is left out whose entries are nowhere to be found."""

Contribution: TypeAlias = tuple[int, int]
"""Where a unit's part of a section begins, and its size."""

_OF_BINARY = frozenset((".debug_addr", ".debug_line", ".debug_line_str", ".debug_ranges"))
_OF_SKELETON = (dw.AT_STMT_LIST, dw.AT_LOW_PC, dw.AT_LOW_PC_INDEX, dw.AT_ADDR_BASE)
_SHARED = frozenset((".debug_str.dwo", ".debug_cu_index", ".debug_tu_index"))
_NAMES = (dw.AT_DWO_NAME, dw.AT_GNU_DWO_NAME)
_KINDS = {UT_SPLIT_COMPILE: UT_COMPILE, UT_SPLIT_TYPE: UT_TYPE}
_INDEX_BYTES = 16
_COMMON = {1: ".debug_info", 3: ".debug_abbrev", 4: ".debug_line", 6: ".debug_str_offsets"}
_COLUMNS = {
    2: {**_COMMON, 2: ".debug_types", 5: ".debug_loc"},
    5: {**_COMMON, 5: ".debug_loclists", 8: ".debug_rnglists"},
}


def is_skeleton(unit: Unit) -> bool:
    """Tell whether a unit only stands for one in another file."""
    return unit.kind == UT_SKELETON or any(name in unit.attributes for name in _NAMES)


def open_split(unit: Unit, directories: Sequence[str]) -> SplitDwarf | None:
    """Open what a skeleton stands for; None if it is nowhere to be found. To be closed.

    A package beside the binary comes first, then the file where the unit names it, beside the
    binary, and in the debug directories.
    """
    number = _number_of(unit)
    for path in iter_split_places(unit, directories):
        if not posixpath.isfile(path):
            continue
        split = SplitFile(path, unit.dwarf.elf)
        try:
            found = SplitDwarf(split, unit) if split.select(number) else None
            if found is not None and any(_number_of(one) == number for one in found.iter_units()):
                return found
        except InputRejected as error:
            split.close()
            raise error.placed(path) from None
        except BaseException:
            split.close()
            raise
        split.close()
    return None


def _number_of(unit: Unit) -> int:
    if dw.AT_GNU_DWO_ID in unit.attributes:
        return int(unit.attributes[dw.AT_GNU_DWO_ID])
    return read_header(unit.info, unit.offset, unit.dwarf.order).signature


def iter_split_places(unit: Unit, directories: Sequence[str]) -> Iterator[str]:
    """Yield where the file of a skeleton may be."""
    binary = unit.dwarf.elf.path
    here, package = posixpath.dirname(binary), f"{posixpath.basename(binary)}.dwp"
    for folder in (here, *directories):
        yield posixpath.join(folder, package)
    name = next((unit.text(unit.attributes[at]) for at in _NAMES if at in unit.attributes), "")
    if not name or "\0" in name:
        return
    yield posixpath.join(here, unit.comp_dir, name)
    for folder in (here, *directories):
        yield posixpath.join(folder, name.lstrip("/"))
        yield posixpath.join(folder, posixpath.basename(name))


class SplitFile(ElfFile):
    """The sections of one split unit: its own, and those that are in the binary.

    Raises:
        InputRejected: The file is no ELF file, or damaged.
    """

    def __init__(self, path: str, home: ElfFile) -> None:
        super().__init__(path, home.limits)
        self.budget = home.budget
        self.dead_starts, self.low_functions = home.dead_starts, home.low_functions
        self._home = home
        self._wholes: dict[str, Section | None] = {}
        self._parts: dict[str, Contribution] | None = None

    def close(self) -> None:
        """Close the file, and drop the sections of which units have parts."""
        for whole in filter(None, self._wholes.values()):
            whole.release()
        super().close()

    def section(self, name: str) -> Section | None:
        """Return a section by the name that it has in a binary that is not split."""
        if name in _OF_BINARY:
            return self._home.section(name)
        return super().section(f"{name}.dwo")

    def _load(self, name: str) -> Section | None:
        if self._parts is None or name in _SHARED:
            return super()._load(name)
        if name not in self._wholes:
            self._wholes[name] = super()._load(name)
        whole = self._wholes[name]
        if whole is None:
            return None
        offset, size = self._parts.get(name.removesuffix(".dwo"), (0, 0))
        if offset + size > whole.size:
            raise InputRejected("a part that ends behind its section", section=name, offset=offset)
        return whole.part(name, offset, size) if size else None

    def select(self, number: int) -> bool:
        """Let the sections be those of one unit; tell whether the file may hold it."""
        index = super().section(".debug_cu_index")
        if index is not None:
            self._parts = find_parts(index, number, self.order, self.budget.check_time)
            return self._parts is not None
        return self.section(".debug_info") is not None

    def type_part(self, signature: int) -> TypePart | None:
        """Return the sections of one type unit of a package; None without it."""
        index = super().section(".debug_tu_index")
        if index is None:
            return None
        parts = find_parts(index, signature, self.order, self.budget.check_time)
        return None if parts is None else TypePart(self, parts)


class TypePart(SplitFile):
    """The sections of one type unit of a package, whose file it has: nothing is to be closed."""

    def __init__(self, package: SplitFile, parts: dict[str, Contribution]) -> None:
        vars(self).update(vars(package))
        self.shares_abbreviations = parts.get(_COMMON[3]) == (self._parts or {}).get(_COMMON[3])
        self._parts, self._open = parts, {}

    def section(self, name: str) -> Section | None:
        """Return a section as a unit's; that of entries has another name in DWARF 4."""
        types = name == ".debug_info" and ".debug_types" in (self._parts or ())
        return super().section(".debug_types" if types else name)

    def _load(self, name: str) -> Section | None:
        found = super()._load(name)
        if found is not None and name not in _SHARED:
            found.name = f"{name}+{(self._parts or {})[name.removesuffix('.dwo')][0]:#x}"
        return found  # by its name, an entry is told from one at the same offset of another type


class SplitUnit(Unit):
    """A unit with what its skeleton knows of it."""

    def __init__(self, dwarf: Dwarf, offset: int, end: int, section: Section | None = None) -> None:
        super().__init__(dwarf, offset, end, section)
        known = self.skeleton.attributes
        self.kind = _KINDS.get(self.kind, self.kind)
        self.has_split_lists = self.layout.version < 5
        own = {at: value for at, value in self.attributes.items() if at not in _NAMES}
        self.attributes = own | {at: known[at] for at in _OF_SKELETON if at in known}
        if dw.AT_GNU_ADDR_BASE in known:
            self.attributes[dw.AT_ADDR_BASE] = known[dw.AT_GNU_ADDR_BASE]
        self.ranges_base = int(known.get(dw.AT_GNU_RANGES_BASE, 0))

    @property
    def skeleton(self) -> Unit:
        """What the binary has of the unit."""
        assert isinstance(self.dwarf, SplitDwarf)
        return self.dwarf.skeleton

    @cached_property
    def comp_dir(self) -> str:
        """The skeleton's, whose text is in the binary."""
        return self.skeleton.comp_dir


class SplitDwarf(Dwarf):
    """The debugging information of one split unit, for which `skeleton` stands. To be closed."""

    unit_type = SplitUnit

    def __init__(self, split: SplitFile, skeleton: Unit) -> None:
        self.skeleton = skeleton
        self._split = split
        super().__init__(split, skeleton.dwarf.strings.skipped)

    def packed_type(self, signature: int) -> Unit | None:
        """Return a type unit of the package that holds the unit; None without it."""
        part = self._split.type_part(signature)
        if part is None:
            return None
        found = SplitDwarf(part, self.skeleton)
        if part.shares_abbreviations:
            found._tables = self._tables
        return next(found.iter_units(), None)

    def close(self) -> None:
        """Close the file."""
        self.elf.close()


def find_parts(
    index: Section, number: int, order: ByteOrder, check_time: Callable[[], None]
) -> dict[str, Contribution] | None:
    """Return by section what belongs to a unit of a package; None if it is not there.

    The index is a hash table of the units' numbers, and a row of offsets and sizes for each.

    Raises:
        InputRejected: The index is damaged.
    """

    def word(at: int, size: int = 4) -> int:
        data, start = index.near(at, size)
        return int.from_bytes(data[start : start + size], order)

    version = word(0) if order == "little" else word(0) >> 16 or word(0)
    columns, rows, slots = word(4), word(8), word(12)
    names = _COLUMNS.get(version)
    rows_at = _INDEX_BYTES + 12 * slots
    if names is None or slots & (slots - 1) or rows_at + (8 * rows + 4) * columns > index.size:
        raise InputRejected("no index of a package", section=index.name, offset=0)
    slot, step = number & (slots - 1), number >> 32 & (slots - 1) | 1
    for _ in range(slots):
        check_time()
        row = word(_INDEX_BYTES + 8 * slots + 4 * slot)
        if not row:
            break
        if word(_INDEX_BYTES + 8 * slot, 8) == number and row <= rows:
            starts = rows_at + 4 * columns * row
            sizes = starts + 4 * columns * rows
            return {
                names.get(word(rows_at + at), ""): (word(starts + at), word(sizes + at))
                for at in range(0, 4 * columns, 4)
            }
        slot = slot + step & (slots - 1)
    return None
