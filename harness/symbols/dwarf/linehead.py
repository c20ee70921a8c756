"""The header of a line number program: its constants and its file table (DWARF 2 to 5)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import InputRejected
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.decoder import Attribute, compile_decoder
from harness.symbols.dwarf.filenames import SourceFile, same_file
from harness.symbols.dwarf.forms import Layout, read_uleb

if TYPE_CHECKING:
    from harness.symbols.dwarf.units import Unit
    from harness.symbols.sections import Section

STAGE = "extraction"

_MOST_HEADER_BYTES = 8 * 1024 * 1024
_ENTRIES_PER_LOOK = 1024  # at the clock: tables of a few MB have millions


_CONTENTS = frozenset((dw.LNCT_PATH, dw.LNCT_DIRECTORY_INDEX, dw.LNCT_MD5))
_share = lru_cache(maxsize=32)(compile_decoder)


class FileEntry(NamedTuple):
    """One line of the file table, as it stands: a name and an index into the directories.

    The digest is that of the content, as DWARF 5 may have it.
    """

    name: bytes | int
    directory: int
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class LineHeader:
    """What the program needs, and where it lies: from its first opcode in .debug_line to `end`.

    `first_file` is the number of the first file: 0 from DWARF 5 on, 1 before.
    """

    section: Section
    version: int
    minimum_length: int
    default_is_stmt: bool
    line_base: int
    line_range: int
    opcode_base: int
    operands: bytes
    directories: list[bytes | int]
    files: list[FileEntry]
    first_file: int
    program: int
    end: int


def read_header(unit: Unit, offset: int) -> LineHeader:
    """Read the header of the program at `offset` of .debug_line.

    Raises:
        InputRejected: It is damaged, or its tables claim more than they hold.
    """
    section = unit.dwarf.required(".debug_line")
    order = unit.dwarf.order
    head = section.window(offset, 32)
    wide = head[:4] == b"\xff\xff\xff\xff"
    size, at = (8, 12) if wide else (4, 4)
    length = int.from_bytes(head[4:12] if wide else head[:4], order)
    end = offset + at + length
    version = int.from_bytes(head[at : at + 2], order)
    if not 2 <= version <= 5 or end > section.size:
        raise InputRejected("a damaged line header", section=section.name, offset=offset)
    at += 4 if version >= 5 else 2
    tables = int.from_bytes(head[at : at + size], order)
    at += size
    program = offset + at + tables
    if tables > _MOST_HEADER_BYTES or program > end:
        raise InputRejected("a damaged line header", section=section.name, offset=offset)
    data = section.read(offset + at, tables)
    layout = Layout(unit.layout.little_endian, unit.layout.address_size, size, version)
    try:
        return _parse(data, layout, (section, program, end), unit.dwarf.budget.check_time)
    except IndexError:
        raise InputRejected(
            "a line header whose tables run over", section=section.name, offset=offset
        ) from None


def _parse(
    data: bytes, layout: Layout, place: tuple[Section, int, int], check_time: Callable[[], None]
) -> LineHeader:
    section, program, end = place
    at = 2 if layout.version >= 4 else 1  # behind maximum_operations_per_instruction
    statement, line_base, line_range, opcode_base = data[at : at + 4]
    at += 4
    operands = data[at : at + opcode_base - 1]
    at += max(opcode_base - 1, 0)
    if not line_range or not opcode_base:
        raise InputRejected("a line header that divides by zero", section=section.name)
    read = _read_tables if layout.version >= 5 else _read_old_tables
    directories, files = read(data, at, layout, check_time)
    return LineHeader(
        section=section,
        version=layout.version,
        minimum_length=data[0],
        default_is_stmt=statement != 0,
        line_base=line_base - 256 if line_base > 127 else line_base,
        line_range=line_range,
        opcode_base=opcode_base,
        operands=operands,
        directories=directories,
        files=files,
        first_file=0 if layout.version >= 5 else 1,
        program=program,
        end=end,
    )


def _read_old_tables(
    data: bytes, at: int, _layout: Layout, check_time: Callable[[], None]
) -> tuple[list[bytes | int], list[FileEntry]]:
    directories: list[bytes | int] = [b""]  # directory 0 is the compilation directory
    while data[at]:
        if not len(directories) % _ENTRIES_PER_LOOK:
            check_time()
        end = _string_end(data, at)
        directories.append(data[at:end])
        at = end + 1
    at += 1
    files: list[FileEntry] = []
    while at < len(data) and data[at]:
        if not len(files) % _ENTRIES_PER_LOOK:
            check_time()
        end = _string_end(data, at)
        directory, after = read_uleb(data, end + 1)
        _, after = read_uleb(data, after)  # modification time
        _, after = read_uleb(data, after)  # length
        files.append(FileEntry(data[at:end], directory))
        at = after
    return directories, files


def _string_end(data: bytes, at: int) -> int:
    end = data.find(0, at)
    if end < 0:
        raise IndexError
    return end


def _read_tables(
    data: bytes, at: int, layout: Layout, check_time: Callable[[], None]
) -> tuple[list[bytes | int], list[FileEntry]]:
    found: list[list[FileEntry]] = []
    for _ in range(2):
        entries, at = _read_entries(data, at, layout, check_time)
        found.append(entries)
    return [entry.name for entry in found[0]], found[1]


def _read_entries(
    data: bytes, at: int, layout: Layout, check_time: Callable[[], None]
) -> tuple[list[FileEntry], int]:
    described: list[Attribute] = []
    formats, at = data[at], at + 1
    for _ in range(formats):
        content, at = read_uleb(data, at)
        form, at = read_uleb(data, at)
        described.append(Attribute(dw.LNCT | content, form, 0))
    count, at = read_uleb(data, at)
    if (count and not described) or count > len(data):
        raise InputRejected("a file table that claims more than it holds", section=".debug_line")
    decode = _share(tuple(described), _CONTENTS, layout)
    entries: list[FileEntry] = []
    for number in range(count):
        if not number % _ENTRIES_PER_LOOK:
            check_time()
        at, values = decode(data, at, 0)
        if at > len(data):
            raise IndexError
        name, directory = values.get(dw.LNCT_PATH, b""), values.get(dw.LNCT_DIRECTORY_INDEX, 0)
        entries.append(FileEntry(name, directory, values.get(dw.LNCT_MD5, b"")))
    return entries, at


def read_files(unit: Unit) -> tuple[int, list[FileEntry], list[bytes | int]]:
    """Return the number of the unit's first file, its files and its directories."""
    offset = unit.attributes.get(dw.AT_STMT_LIST)
    if offset is None:
        return 1, [], []
    header = read_header(unit, offset)
    return header.first_file, header.files, header.directories


class FileTable:
    """The files of one unit by number, as whole paths, joined when they are first asked for."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._paths: dict[int, str] = {}
        self._first, self._files, self._directories = read_files(unit)

    def path(self, number: int) -> str:
        """Return the normalised path of file `number`; empty when DWARF says that it is unknown.

        Raises:
            InputRejected: There is no such file in the table.
        """
        if number not in self._paths:
            self._paths[number] = self._join(number)
        return self._paths[number]

    def numbers_of(self, path: str) -> list[int]:
        """Return every number that stands for `path`."""
        return [number for number in self._iter_numbers() if self.path(number) == path]

    def source(self, number: int) -> SourceFile:
        """Return file `number` with what tells it from others of the same name."""
        index = number - self._first
        digest = self._files[index].digest if 0 <= index < len(self._files) else b""
        return SourceFile(self.path(number), self._unit.comp_dir, digest)

    def name_of(self, file: SourceFile) -> str:
        """Return the path by which this table knows a file of another unit; its own by default."""
        return same_file(file, map(self.source, self._iter_numbers()))

    def _iter_numbers(self) -> Iterator[int]:
        for index in range(len(self._files)):
            if not index % _ENTRIES_PER_LOOK:
                self._unit.dwarf.budget.check_time()
            yield self._first + index

    def _join(self, number: int) -> str:
        index = number - self._first
        if index < 0:
            return ""
        if index >= len(self._files):
            raise InputRejected(f"file {number} is not in the file table", section=".debug_line")
        entry = self._files[index]
        known = entry.directory < len(self._directories)
        directory = self._unit.text(self._directories[entry.directory]) if known else ""
        return join_path(self._unit.comp_dir, directory, self._unit.text(entry.name))


def join_path(*parts: str) -> str:
    """Join and normalise what DWARF splits: compilation directory, directory, file."""
    named = [part for part in parts if part]
    return posixpath.normpath(posixpath.join(*named)) if named else ""
