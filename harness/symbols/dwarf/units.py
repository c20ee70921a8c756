"""Units of .debug_info: their root entries, and the context that entries need."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.errors import InputRejected
from harness.symbols.debugfile import build_id
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.abbrev import AbbreviationTable, read_table
from harness.symbols.dwarf.dies import read_die
from harness.symbols.dwarf.forms import JoinedLayout, Layout
from harness.symbols.dwarf.strings import Strings
from harness.symbols.dwarf.unithead import read_header, unit_offsets

if TYPE_CHECKING:
    from harness.symbols.elf import ElfFile
    from harness.symbols.sections import Section

STAGE = "extraction"

_CACHED_TABLES = 2
ASIDE_BYTES = 4 * 1024
_CACHED_UNITS = 16


class Unit:
    """One unit of .debug_info.

    Attributes:
        dwarf: The file's debugging information.
        offset: Where its header starts in .debug_info; the base of its local references.
        end: Where the next unit starts.
        first: Where its root entry starts.
        info: The section that holds it: .debug_info, or .debug_types in DWARF 4. Its window
            follows the walk over all units.
        aside: The same, for short looks elsewhere.
        kind: DW_UT of DWARF 5; compile (or type) in older versions.
        attributes: Of the root entry.
        root_tag: Tag of the root entry.
        dead_starts: Low addresses that mark discarded code.
        dead_from: The address from which on all do: linkers write all ones, or that less one.
        ranges_base: What offsets into .debug_ranges count from.
        has_split_lists: Whether location lists are those of split units before DWARF 5.
    """

    ranges_base = 0
    has_split_lists = False

    def __init__(self, dwarf: Dwarf, offset: int, end: int, section: Section | None = None) -> None:
        self.dwarf = dwarf
        self.info = section or dwarf.info
        self.aside = section or dwarf.aside
        self.offset = offset
        self.end = end
        if section is None:
            dwarf.elf.unit = offset
        header = read_header(self.info, offset, dwarf.order)
        damage = ""
        if not 2 <= header.version <= 5:
            damage = f"DWARF version {header.version}"
        elif header.address_size not in (4, 8):
            damage = f"addresses of {header.address_size} bytes"
        if damage:
            raise InputRejected(damage, section=self.info.name, offset=offset)
        self.kind = header.kind
        self.layout = Layout(
            dwarf.order == "little", header.address_size, header.offset_size, header.version
        )
        if dwarf.supplement is not None or dwarf.origin:
            last = dwarf.supplement or dwarf
            self.layout = JoinedLayout(self.layout, dwarf.origin, last.origin)
        self.first = offset + header.size
        self.table: AbbreviationTable = dwarf.abbreviations(header.table, self.layout)
        if self.first > end:
            raise InputRejected(
                "a unit shorter than its header", section=self.info.name, offset=offset
            )
        self.attributes: dict[int, Any] = {}
        self.root_tag = 0
        self.dead_starts = dwarf.elf.dead_starts
        self.dead_from = (1 << 8 * header.address_size) - 2
        self._string_bytes = dwarf.elf.limits.string_bytes
        self._last_index = self._last_address = -1
        if self.first < end:
            die = read_die(self, self.first)
            self.attributes, self.root_tag = die.attributes, die.tag

    def text(self, value: bytes | int | None) -> str:
        """Return a string attribute's text; an absent one is empty."""
        if value is None:
            return ""
        if isinstance(value, bytes) and len(value) < self._string_bytes:
            return value.decode("utf-8", "replace")  # what `Strings` does, without its frame
        return self.dwarf.strings.text(value, self.str_offsets_base, self.layout.offset_size)

    @cached_property
    def str_offsets_base(self) -> int:
        """Where this unit's part of .debug_str_offsets starts; just behind a header by default."""
        default = 8 if self.layout.version >= 5 else 0
        return int(self.attributes.get(dw.AT_STR_OFFSETS_BASE, default))

    @cached_property
    def low_pc(self) -> int:
        """The base address of this unit's range and location lists; 0 when it has none."""
        return self.base(self.address(self.attributes) or 0)

    def base(self, address: int) -> int:
        """Return the base of a list, moved to where all is dead if it marks discarded code.

        0 says nothing: it is also the base of a list of whole addresses.
        """
        return self.dead_from if address and address in self.dead_starts else address

    def address(self, attributes: dict[int, Any]) -> int | None:
        """Return the low_pc among `attributes`, indexed or not."""
        if dw.AT_LOW_PC in attributes:
            return int(attributes[dw.AT_LOW_PC])
        index = attributes.get(dw.AT_LOW_PC_INDEX)
        return None if index is None else self.indexed_address(index)

    def indexed_address(self, index: int) -> int:
        """Return entry `index` of this unit's part of .debug_addr."""
        # All locations of a function tend to start from one address.
        if index != self._last_index:
            self._last_address = self._read_address(index)
            self._last_index = index
        return self._last_address

    def _read_address(self, index: int) -> int:
        section = self.dwarf.elf.section(".debug_addr")
        if section is None:
            raise InputRejected("an indexed address without its section", section=".debug_addr")
        size = self.layout.address_size
        base = self.attributes.get(dw.AT_ADDR_BASE, 8)
        data, at = section.near(base + index * size, size)
        if at + size > len(data):
            raise InputRejected("an address index out of the section", section=section.name)
        return int.from_bytes(data[at : at + size], self.dwarf.order)

    @cached_property
    def name(self) -> str:
        """DW_AT_name, verbatim."""
        return self.text(self.attributes.get(dw.AT_NAME))

    @cached_property
    def comp_dir(self) -> str:
        """DW_AT_comp_dir, verbatim."""
        return self.text(self.attributes.get(dw.AT_COMP_DIR))

    @property
    def language(self) -> str:
        """`go`, `c`, `cpp`, `rust`, or empty for what extraction does not know."""
        return dw.LANGUAGES.get(self.attributes.get(dw.AT_LANGUAGE, 0), "")

    @property
    def language_name(self) -> str:
        """What to call the language when speaking of it; an unknown one by its number."""
        code = self.attributes.get(dw.AT_LANGUAGE, 0)
        return self.language or dw.OTHER_LANGUAGES.get(code) or f"language {code:#x}"


class Dwarf:
    """The debugging information of one open ELF file. Keeps headers, never entries.

    Attributes:
        info: .debug_info.
        aside: The same, with a small window of its own.
        origin: Where its units begin, in the space of offsets that files share.
        supplement: That of the supplementary file, whose units follow.

    Args:
        elf: The file.
        skipped: Counts what was left out, by reason.

    Raises:
        InputRejected: There is none.
    """

    unit_type = Unit
    origin = 0
    supplement: Dwarf | None = None

    def __init__(self, elf: ElfFile, skipped: Counter[str] | None = None) -> None:
        info = elf.section(".debug_info")
        abbreviations = elf.section(".debug_abbrev")
        if info is None or abbreviations is None or not info.size:
            raise InputRejected(
                "no DWARF: it has no .debug_info", file=elf.path, remedy=_remedy(elf)
            )
        self.elf = elf
        self.info: Section = info
        self.aside = info.view(ASIDE_BYTES)
        self.order = elf.order
        self.strings = Strings(elf, Counter() if skipped is None else skipped)
        self.budget = elf.budget
        self.abbreviations_section: Section = abbreviations
        self._tables: OrderedDict[tuple[int, Layout], AbbreviationTable] = OrderedDict()
        self._units: OrderedDict[int, Unit] = OrderedDict()

    def required(self, name: str) -> Section:
        """Return a section that an entry refers to."""
        section = self.elf.section(name)
        if section is None:
            raise InputRejected("an entry refers to a section that is not there", section=name)
        return section

    @cached_property
    def unit_offsets(self) -> array[int]:
        """Offsets of all units, and the end of the last: n + 1 values, found header by header."""
        return unit_offsets(self.info, self.order, self.budget, self.origin)

    def iter_units(self) -> Iterator[Unit]:
        """Yield every unit in file order; nothing of a unit is kept once the next is asked for."""
        for number in range(len(self.unit_offsets) - 1):
            yield self.unit_type(self, self.unit_offsets[number], self.unit_offsets[number + 1])

    def unit_of(self, offset: int) -> Unit:
        """Return the unit that holds the entry at `offset`. The last few are kept.

        Raises:
            InputRejected: No unit does.
        """
        number = bisect_right(self.unit_offsets, offset) - 1
        if not 0 <= number < len(self.unit_offsets) - 1:
            if self.supplement is not None and number > 0:
                return self.supplement.unit_of(offset)
            raise InputRejected(
                "a reference out of the section", section=self.info.name, offset=offset
            )
        start = self.unit_offsets[number]
        unit = self._units.pop(start, None) or self.unit_type(
            self, start, self.unit_offsets[number + 1]
        )
        self._units[start] = unit
        if len(self._units) > _CACHED_UNITS:
            self._units.popitem(last=False)
        return unit

    @cached_property
    def _partial(self) -> bytes:
        """Which units are partial ones, by their number."""
        before = self.elf.unit
        found = bytes(unit.root_tag == dw.TAG_PARTIAL_UNIT for unit in self.iter_units())
        self.elf.unit = before
        return found

    def is_partial(self, offset: int) -> bool:
        """Tell whether an entry is in a unit that only exists to be imported by others."""
        number = bisect_right(self.unit_offsets, offset) - 1
        if number == len(self._partial) and self.supplement is not None:
            return True
        return 0 <= number < len(self._partial) and bool(self._partial[number])

    def packed_type(self, _signature: int) -> Unit | None:
        """Return a type unit that is found by the index of a package only."""
        return None

    def abbreviations(self, offset: int, layout: Layout) -> AbbreviationTable:
        """Return the compiled abbreviation table at `offset`. The last few are kept."""
        key = (offset, layout)
        table = self._tables.pop(key, None)
        if table is None:
            table = read_table(self.abbreviations_section, offset, layout, self.budget.check_time)
        self._tables[key] = table
        if len(self._tables) > _CACHED_TABLES:
            self._tables.popitem(last=False)
        return table


def _remedy(elf: ElfFile) -> str:
    if ".debug_info.dwo" in elf.names():
        return "it holds split units: name the binary that they belong to, with this file beside it"
    if elf.section(".go.buildinfo") is not None or elf.section(".gopclntab") is not None:
        return "build the Go program without -ldflags=-w or -s, or name it before it was stripped"
    if identity := build_id(elf):
        return (
            "put its debug file beside it, name a directory that has it (--debug-dir), or get it "
            f"with `debuginfod-find debuginfo {identity}` and name it; or build with -g"
        )
    return (
        "build it with -g, or name the file before it was stripped, or put its debug file beside it"
    )
