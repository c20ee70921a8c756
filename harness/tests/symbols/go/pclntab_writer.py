"""Write a pclntab as the Go linker lays it out, in every format, byte order and pointer size."""

from __future__ import annotations

import struct
import tempfile
from dataclasses import dataclass

from harness.symbols.sections import Section
from harness.tests.symbols.crafted import uleb

MAGICS = {"1.2": 0xFFFFFFFB, "1.16": 0xFFFFFFFA, "1.18": 0xFFFFFFF0, "1.20": 0xFFFFFFF1}
TEXT = 0x1000
NO_DATA = 0xFFFFFFFF


@dataclass
class Writable:
    """One function: its name, its size, and `(size, value)` runs of files, lines and owners."""

    name: str
    size: int
    files: list[tuple[int, int]]
    lines: list[tuple[int, int]]
    owners: list[tuple[int, int]]
    tree: int = NO_DATA


class StoredSection(Section):
    """A section that closes the file behind it when it goes."""

    def __del__(self) -> None:
        if self._keep is not None:
            self._keep.close()


def pc_table(runs: list[tuple[int, int]], quantum: int) -> bytes:
    """Encode `(size, value)` runs as value and PC deltas."""
    value = -1
    encoded = bytearray()
    for size, new in runs:
        delta = new - value
        encoded += uleb(2 * delta if delta >= 0 else ~(2 * delta)) + uleb(size // quantum)
        value = new
    return bytes(encoded) + b"\0"


class PclntabWriter:
    """Builds one table; `section` is the readable result."""

    def __init__(self, version: str, order: str, pointer_size: int, quantum: int) -> None:
        self.version = version
        self.prefix = "<" if order == "little" else ">"
        self.pointer = "Q" if pointer_size == 8 else "I"
        self.pointer_size = pointer_size
        self.quantum = quantum
        self.relative = version in ("1.18", "1.20")

    def pack(self, code: str, *values: int) -> bytes:
        """Pack numbers in the table's byte order."""
        return struct.pack(self.prefix + code, *values)

    def section(self, functions: list[Writable], files: list[str]) -> Section:
        """Return the table of these functions, which stand one after the other from TEXT on."""
        return self.store(self.image(functions, files))

    def image(self, functions: list[Writable], files: list[str]) -> bytes:
        """Return the bytes of the table."""
        return (self._old if self.version == "1.2" else self._new)(functions, files)

    def store(self, data: bytes) -> Section:
        """Return bytes as a readable section."""
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the section
        file.write(data)
        file.flush()
        section = StoredSection(".gopclntab", file.fileno(), 0, len(data), 0x9000)
        section.keep(file)
        return section

    def header(self, functions: list[Writable]) -> bytes:
        """Return magic, quantum, pointer size and function count."""
        magic = self.pack("I", MAGICS[self.version])
        lead = magic + bytes([0, 0, self.quantum, self.pointer_size])
        return lead + self.pack(self.pointer, len(functions))

    def _blobs(
        self, functions: list[Writable], base: int
    ) -> tuple[bytes, list[int], bytes, list[tuple[int, int, int]]]:
        """Return names and PC tables with the offsets of each; offset 0 is never used."""
        names, name_at = b"\0", []
        pcs, pcs_at = b"\0", []
        for function in functions:
            name_at.append(len(names))
            names += function.name.encode() + b"\0"
            offsets = []
            # Go 1.2 numbers files from 1: place 0 of its file table holds their count.
            first = 1 if self.version == "1.2" else 0
            files = [(size, first + number) for size, number in function.files]
            for runs in (files, function.lines, function.owners):
                offsets.append(base + len(pcs))
                pcs += pc_table(runs, self.quantum)
            pcs_at.append((offsets[0], offsets[1], offsets[2]))
        return names, name_at, pcs, pcs_at

    def record(self, entry: int, name: int, pcs: tuple[int, int, int], function: Writable) -> bytes:
        """Return one function record."""
        files, lines, owners = pcs
        entry_code = "I" if self.relative else self.pointer
        head = self.pack(entry_code + "IIIIIII", entry, name, 0, 0, 0, files, lines, 3)
        if self.version != "1.2":
            head += self.pack("I", 0)
        if self.version == "1.20":
            head += self.pack("I", 1)
        head += bytes([0, 0, 0, 4]) + self.pack("III", 0, 0, owners)
        if self.relative:
            return head + self.pack("IIII", NO_DATA, NO_DATA, NO_DATA, function.tree)
        head += bytes(-len(head) % self.pointer_size)
        return head + self.pack(self.pointer * 4, 0, 0, 0, function.tree)

    def _table(
        self,
        functions: list[Writable],
        place: tuple[int, int],
        at: tuple[list[int], list[tuple[int, int, int]]],
    ) -> bytes:
        """Return function table and records; record offsets count from `place[1]`."""
        code = "I" if self.relative else self.pointer
        start, base = place
        width = struct.calcsize(self.prefix + code)
        fixed = start + (2 * len(functions) + 1) * width + (4 if self.version == "1.2" else 0)
        entry = 0 if self.relative else TEXT
        rows, records = b"", b""
        for index, function in enumerate(functions):
            # Records with pointers in them are aligned to pointers.
            records += bytes(-(fixed + len(records)) % self.pointer_size)
            rows += self.pack(code * 2, entry, fixed + len(records) - base)
            records += self.record(entry, at[0][index], at[1][index], function)
            entry += function.size
        rows += self.pack(code, entry)
        return rows + (bytes(4) if self.version == "1.2" else b"") + records

    def _new(self, functions: list[Writable], files: list[str]) -> bytes:
        words = 8 if self.relative else 7
        lead = 8 + words * self.pointer_size
        names, name_at, pcs, pcs_at = self._blobs(functions, 0)
        file_names = b"".join(name.encode() + b"\0" for name in files)
        starts = [sum(len(name.encode()) + 1 for name in files[:i]) for i in range(len(files))]
        units = self.pack("I" * len(files), *starts)
        offsets = []
        body = b""
        for blob in (names, units, file_names, pcs):
            body += bytes(-(lead + len(body)) % 8)
            offsets.append(lead + len(body))
            body += blob
        body += bytes(-(lead + len(body)) % 8)
        table_at = lead + len(body)
        # Offsets in function table rows count from the function table.
        table = self._table(functions, (table_at, table_at), (name_at, pcs_at))
        extra = [len(files)] + ([TEXT] if self.relative else [])
        header = self.header(functions) + self.pack(
            self.pointer * (len(extra) + 5), *extra, *offsets, table_at
        )
        return header + body + table

    def _old(self, functions: list[Writable], files: list[str]) -> bytes:
        lead = 8 + self.pointer_size
        # Everything counts from the start of the section: place the table first, blobs behind it.
        empty = self._table(
            functions, (lead, 0), ([0] * len(functions), [(0, 0, 0)] * len(functions))
        )
        base = lead + len(empty)
        names, _, pcs, _ = self._blobs(functions, 0)
        names_base = base + len(pcs)
        _, name_at, _, pcs_at = self._blobs(functions, base)
        name_at = [names_base + offset for offset in name_at]
        table = bytearray(self._table(functions, (lead, 0), (name_at, pcs_at)))
        files_at = names_base + len(names)
        width = self.pointer_size * (2 * len(functions) + 1)
        table[width : width + 4] = self.pack("I", files_at)
        strings_at = files_at + 4 * (len(files) + 1)
        index = self.pack("I", len(files))
        strings = b""
        for name in files:
            index += self.pack("I", strings_at + len(strings))
            strings += name.encode() + b"\0"
        return self.header(functions) + bytes(table) + pcs + names + index + strings
