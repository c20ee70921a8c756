"""The pclntab: Go's own table of functions, files and lines, in its four formats.

Every table is read through bounded windows; nothing here grows with the number of functions. The
formats differ in where the tables begin, in the width of the function table's fields and in the
layout of the function record, and in nothing else.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from harness.errors import InputRejected
from harness.symbols.go.pcvalue import PcTable, read_pc_values
from harness.symbols.sections import Section

STAGE = "extraction"

UNKNOWN_FILE = "<unknown>"
PCDATA_INLINE_INDEX = 2
FUNCDATA_INLINE_TREE = 3

_HEADER_BYTES = 8 + 8 * 8
_NO_OFFSET = 0xFFFFFFFF
_PAGE_ENTRIES = 1024
_FILE_NAMES = 256
_RECORD_BYTES = 1024
_WINDOW_BYTES = 16 * 1024
_MAX_FUNCDATA = 64
_NAMES_BYTES = 4 * 1024
_NAME_BYTES = 128
_MAX_NAME = 64 * 1024


@dataclass(frozen=True, slots=True)
class PclntabFormat:
    """What one format of the table says about itself.

    `tables` are the header words that hold the offsets of function names, unit files, file names,
    PC tables and function table; Go 1.2 has one table for everything. `fixed_bytes` is the size
    of a function record before its PC data.
    """

    name: str
    tables: tuple[int, int, int, int, int] | None
    relative: bool
    start_line: bool


_LAYOUTS = {
    0xFFFFFFFB: PclntabFormat("1.2", None, relative=False, start_line=False),
    0xFFFFFFFA: PclntabFormat("1.16", (2, 3, 4, 5, 6), relative=False, start_line=False),
    0xFFFFFFF0: PclntabFormat("1.18", (3, 4, 5, 6, 7), relative=True, start_line=False),
    0xFFFFFFF1: PclntabFormat("1.20", (3, 4, 5, 6, 7), relative=True, start_line=True),
}
MAGICS = tuple(_LAYOUTS)
"""The first four bytes of a table, as a number in the byte order of the binary."""


class Function(NamedTuple):
    """One physical function: where it is, and the raw fields of its record.

    `pc_tables` are offsets into the PC tables by PC data kind, 0 meaning none; `data` are offsets
    from the base of function data by kind (absolute addresses before Go 1.18).
    """

    entry: int
    end: int
    name_offset: int
    file_table: int
    line_table: int
    unit_files: int
    pc_tables: tuple[int, ...]
    data: tuple[int, ...]


class PcLineTable:
    """Functions by PC, and the strings and PC tables that their records point to.

    Args:
        section: `.gopclntab`.
        text: Start of the text, for formats that store PCs relative to it and headers that leave
            it to the loader, or to the module data.
        text_end: End of the text, where the last function ends.

    Raises:
        InputRejected: Unknown magic, or a header that cannot be.
    """

    def __init__(self, section: Section, text: int = 0, text_end: int = 0) -> None:
        head = section.window(0, _HEADER_BYTES)
        self.order, self.layout = _identify(section, head)
        self.quantum, self.pointer_size = head[6], head[7]
        if head[4:6] != b"\0\0" or self.quantum not in (1, 2, 4) or self.pointer_size not in (4, 8):
            raise InputRejected("damaged pclntab header", section=section.name, offset=4)
        self._section = section
        self._prefix = "<" if self.order == "little" else ">"
        self._eight = struct.Struct(f"{self._prefix}8I")
        self._place_tables(head)
        # Not the start of `.text`: a C linker puts its own code there, in front of Go's.
        self._text = (self._header_word(head, 2) or text) if self.layout.relative else 0
        self._text_end = text_end
        # Records, PC tables and names are each read in about the order of the text.
        self._record_window = section.view(_WINDOW_BYTES)
        self._name_window = section.view(_NAMES_BYTES)
        self._pc_window = section.view(_WINDOW_BYTES)
        self._page_number = -1
        self._starts: tuple[int, ...] = ()
        self._places: tuple[int, ...] = ()
        self._files: dict[int, str] = {}

    def _header_word(self, head: bytes, index: int) -> int:
        start = 8 + index * self.pointer_size
        return int.from_bytes(head[start : start + self.pointer_size], self.order)

    def _place_tables(self, head: bytes) -> None:
        self.function_count = self._header_word(head, 0)
        wide = not self.layout.relative and self.pointer_size == 8
        self._field_bytes = 8 if wide else 4
        self._field_code = "Q" if wide else "I"
        table_bytes = (2 * self.function_count + 1) * self._field_bytes
        if self.layout.tables is None:
            self._names = self._unit_files = self._pcs = self._records = 0
            self._functions = 8 + self.pointer_size
            self._file_names = self._u32(self._functions + table_bytes)
        else:
            offsets = (self._header_word(head, index) for index in self.layout.tables)
            self._names, self._unit_files, self._file_names, self._pcs, self._records = offsets
            self._functions = self._records
        if self._functions + table_bytes > self._section.size:
            raise InputRejected(
                f"{self.function_count} functions do not fit", section=self._section.name
            )

    def _u32(self, offset: int) -> int:
        return int.from_bytes(self._section.read(offset, 4), self.order)

    def _load_page(self, number: int) -> None:
        """Read a page of the function table, and the first entry of the next page."""
        size = self._field_bytes
        total = 2 * self.function_count + 1
        count = min(2 * _PAGE_ENTRIES + 1, total - number * 2 * _PAGE_ENTRIES)
        start = self._functions + number * 2 * _PAGE_ENTRIES * size
        raw = self._section.read(start, count * size)
        page = struct.unpack(f"{self._prefix}{count}{self._field_code}", raw)
        self._starts, self._places = page[::2], page[1::2]
        self._page_number = number

    def find(self, pc: int) -> Function | None:
        """Return the function that holds a PC; inlined functions are not physical."""
        relative = pc - self._text
        starts = self._starts
        if not starts or not starts[0] <= relative < starts[-1]:
            index = self._index_of(relative)
            if index < 0:
                return None
            self._load_page(index // _PAGE_ENTRIES)
            starts = self._starts
        place = min(bisect_right(starts, relative), len(self._places)) - 1
        function = self._function(place)
        return function if pc < function.end else None

    def _index_of(self, relative: int) -> int:
        """Return the index of the last function that begins at or before an offset, or -1."""
        low, high = 0, self.function_count
        while low < high:
            middle = (low + high) // 2
            start = self._functions + 2 * middle * self._field_bytes
            raw = self._section.read(start, self._field_bytes)
            if relative < int.from_bytes(raw, self.order):
                high = middle
            else:
                low = middle + 1
        return low - 1

    def _function(self, place: int) -> Function:
        """Read the record of a function on the loaded page."""
        last = self._page_number * _PAGE_ENTRIES + place + 1 == self.function_count
        # The entry after the last one is the end of the text.
        known = last and self._text_end
        end = self._text_end if known else self._text + self._starts[place + 1]
        offset = self._records + self._places[place]
        lead = self._field_bytes
        fixed = lead + 36 + (4 if self.layout.start_line else 0)
        if self.layout.tables is None:
            # Go 1.2 has no unit files; its record ends one word earlier.
            fixed -= 4
        size = min(_RECORD_BYTES, self._section.size - offset)
        if size < fixed:
            raise self._damaged(offset)
        raw, at = self._record_window.near(offset, size)
        name, _, _, _, files, lines, pc_count, units = self._eight.unpack_from(raw, at + lead)
        counts = pc_count, raw[at + fixed - 1]
        if max(counts) > _MAX_FUNCDATA:
            raise self._damaged(offset)
        pcs, data = self._trailer(raw, at + fixed, offset - at, counts)
        entry = self._text + self._starts[place]
        return Function(entry, end, name, files, lines, units, pcs, data)

    def _damaged(self, offset: int) -> InputRejected:
        return InputRejected("damaged function record", section=self._section.name, offset=offset)

    def _trailer(
        self, raw: bytes, at: int, base: int, counts: tuple[int, int]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Read the PC data and function data that follow a record.

        `base` is where in the section the window begins: before Go 1.18 function data is aligned.
        """
        pc_count, data_count = counts
        data_at = at + 4 * pc_count
        size = 4
        if not self.layout.relative:
            size = self.pointer_size
            data_at += -(base + data_at) % size
        if data_at + size * data_count > len(raw):
            raise self._damaged(base + at)
        pcs = struct.unpack_from(f"{self._prefix}{pc_count}I", raw, at)
        code = "Q" if size == 8 else "I"
        return pcs, struct.unpack_from(f"{self._prefix}{data_count}{code}", raw, data_at)

    def sample(self, count: int) -> Iterator[Function]:
        """Yield up to `count` functions, spread over the table."""
        step = max(1, self.function_count // count) if count else 1
        for index in range(0, self.function_count, step):
            if index // _PAGE_ENTRIES != self._page_number:
                self._load_page(index // _PAGE_ENTRIES)
            yield self._function(index % _PAGE_ENTRIES)

    def is_name(self, offset: int) -> bool:
        """Tell whether a name begins at this offset of the name table."""
        if not 0 < offset < self._section.size - self._names:
            return False
        before, first = self._section.read(self._names + offset - 1, 2)
        return before == 0 and first != 0

    def name(self, offset: int) -> str:
        """Return the function name at an offset into the name table."""
        place = self._names + offset
        data, at = self._name_window.near(place, min(_NAME_BYTES, self._section.size - place))
        end = data.find(0, at)
        octets = data[at:end] if end >= 0 else self._section.string(place, _MAX_NAME)
        return octets.decode("utf-8", "replace")

    def file(self, function: Function, number: int) -> str:
        """Return the name of a file by its number in the function's compilation unit."""
        if self.layout.tables is None:
            return self._file_at(self._u32(self._file_names + 4 * number))
        if number < 0 or function.unit_files == _NO_OFFSET:
            return UNKNOWN_FILE
        place = self._unit_files + 4 * (function.unit_files + number)
        found = self._files.get(place)
        if found is None:
            if len(self._files) >= _FILE_NAMES:
                self._files.clear()
            offset = self._u32(place)
            known = offset != _NO_OFFSET
            found = self._file_at(self._file_names + offset) if known else UNKNOWN_FILE
            self._files[place] = found
        return found

    def _file_at(self, offset: int) -> str:
        return self._section.string(offset, _MAX_NAME).decode("utf-8", "replace")

    def pc_values(self, function: Function, table: int) -> PcTable:
        """Decode one PC table of a function."""
        offset = self._pcs + table
        return read_pc_values(self._pc_window, offset, function.entry, self.quantum)


def _identify(section: Section, head: bytes) -> tuple[Literal["little", "big"], PclntabFormat]:
    """Return byte order and layout; no magic reads as another one in the other byte order."""
    orders: tuple[Literal["little", "big"], ...] = ("little", "big")
    for order in orders:
        layout = _LAYOUTS.get(int.from_bytes(head[:4], order))
        if layout is not None and len(head) == _HEADER_BYTES:
            return order, layout
    raise InputRejected(f"unknown pclntab magic {head[:4].hex()}", section=section.name, offset=0)
