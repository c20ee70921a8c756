"""Small ELF files that ask for more than they hold, written byte by byte."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable

_COMPRESSED = 0x800
ZLIB = (1, zlib.compress)
C, CPP, RUST = 0x0C, 0x1A, 0x1C
ABBREVIATIONS = bytes((
    *(1, 0x11, 1, 0x13, 0x0B, 0x03, 0x08, 0x10, 0x17, 0, 0),  # unit: language, name, stmt_list
    *(2, 0x2E, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0, 0),  # function: name, low and high PC
    *(3, 0x0B, 0, 0x55, 0x17, 0, 0),  # block: ranges
    *(4, 0x34, 0, 0x03, 0x08, 0x02, 0x17, 0, 0),  # variable: name, location list
    *(5, 0x2E, 0, 0x03, 0x0E, 0x11, 0x01, 0x12, 0x07, 0, 0),  # function: shared name, low, high PC
    *(6, 0x2E, 1, 0x03, 0x08, 0x55, 0x17, 0, 0),  # function: name, ranges
    *(7, 0x1D, 0, 0x55, 0x17, 0, 0),  # inlined instance: ranges
    *(8, 0x1D, 1, 0x11, 0x01, 0x12, 0x07, 0, 0),  # inlined instance: low and high PC
    0,
))  # fmt: skip


Packing = tuple[int, Callable[[bytes], bytes]]
"""The number of a way to compress, and what does it."""


def elf_of(sections: Iterable[tuple[str, bytes]], packing: Packing | None = None) -> bytes:
    """Return a 64-bit little-endian ELF file with these sections, compressed if asked for."""
    names, bodies, headers = b"\0", b"", struct.pack("<IIQQQQIIQQ", *[0] * 10)
    for name, content in (*sections, (".shstrtab", b"")):
        at = len(names)
        names += name.encode() + b"\0"
        body = content if name != ".shstrtab" else names
        squeezed = packing is not None and name.startswith(".debug")
        if packing and squeezed:
            body = struct.pack("<IIQQ", packing[0], 0, len(content), 1) + packing[1](content)
        place = (0, 64 + len(bodies), len(body))
        headers += struct.pack("<IIQQQQIIQQ", at, 1, squeezed * _COMPRESSED, *place, 0, 0, 1, 0)
        bodies += body
    return _file_header(64 + len(bodies), len(headers) // 64) + bodies + headers


def _file_header(sections_at: int, count: int) -> bytes:
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    numbers = (3, 62, 1, 0, 0, sections_at, 0, 64, 56, 0, 64, count, count - 1)
    return ident + struct.pack("<HHIQQQIHHHHHH", *numbers)


def sized(content: bytes) -> bytes:
    """Return a part behind its length."""
    return struct.pack("<I", len(content)) + content


def unit_of(language: int, *, blocks: int = 0, variables: int = 0, more: bytes = b"") -> bytes:
    """Return a unit with one function; its blocks and variables all name the list at 12."""
    body = bytes((1, language)) + b"a.c\0" + struct.pack("<I", 0) + more
    body += b"\x02f\0" + struct.pack("<QQ", 0x1000, 0x100)
    body += (b"\x03" + struct.pack("<I", 12)) * blocks
    body += (b"\x04v\0" + struct.pack("<I", 12)) * variables + b"\0\0"
    return sized(struct.pack("<HBBI", 5, 1, 8, 0) + body)


def lines_of(rows: int, name: bytes = b"a.c", row: bytes = b"\x0e") -> bytes:
    """Return a line table of one sequence with so many rows, one octet each by default."""
    tables = bytes((1, 1, 1, 0, 1, 13)) + bytes(12) + b"\0" + name + b"\0\0\0\0\0"
    program = b"\0\x09\x02" + struct.pack("<Q", 0x1000) + row * rows + b"\0\x01\x01"
    return sized(struct.pack("<HI", 4, len(tables)) + tables + program)


def line_rows(rows: int, language: int = C, packing: Packing = ZLIB) -> bytes:
    """Return a program whose line table has so many rows, compressed to next to nothing."""
    return _program(unit_of(language), lines_of(rows), packing=packing)


def shared_ranges(blocks: int, ranges: int, language: int = C) -> bytes:
    """Return a program whose blocks all have the same list of so many ranges."""
    entries = b"\x04\x11\x12" * ranges + b"\0"
    rest = (".debug_rnglists", sized(struct.pack("<HBBI", 5, 8, 0, 0) + entries))
    return _program(unit_of(language, blocks=blocks), lines_of(1), rest)


def shared_locations(variables: int, places: int, language: int = C) -> bytes:
    """Return a program whose variables all have the same list of so many places."""
    entries = b"\x04\x11\x12\x01\x50" * places + b"\0"
    rest = (".debug_loclists", sized(struct.pack("<HBBI", 5, 8, 0, 0) + entries))
    return _program(unit_of(language, variables=variables), lines_of(1), rest)


def shared_text(functions: int, length: int, language: int = C) -> bytes:
    """Return a program whose functions all have the same long name."""
    function = b"\x05" + struct.pack("<IQQ", 0, 0x1000, 0x10)
    rest = (".debug_str", b"n" * length + b"\0")
    return _program(unit_of(language, more=function * functions), lines_of(1), rest)


def holes(ranges: int, instances: int, language: int = C) -> bytes:
    """Return a program whose one function has so many ranges, and in each of them such holes."""
    code = b"".join(_pair(0x1000 + 16 * at, 12) for at in range(ranges)) + b"\0"
    hole = b"".join(_pair(0x1000 + 16 * at, 2) for at in range(ranges)) + b"\0"
    header = struct.pack("<HBBI", 5, 8, 0, 0)
    function = b"\x06g\0" + struct.pack("<I", 12)
    inside = (b"\x07" + struct.pack("<I", 12 + len(code))) * instances + b"\0"
    rest = (".debug_rnglists", sized(header + code + hole))
    return _program(unit_of(language, more=function + inside), lines_of(1), rest)


def old_files(count: int, language: int = C) -> bytes:
    """Return a program whose line table has so many files, as they were before DWARF 5."""
    return _program(unit_of(language), lines_of(1, b"a.c" + b"\0\0\0\0x" * count))


def files(count: int, language: int = C) -> bytes:
    """Return a program whose line table has so many files, which take an octet each."""
    directories, described = b"\1\1\x08\1d\0", b"\1\1\x08" + uleb(count)
    tables = bytes((1, 1, 1, 0, 1, 13)) + bytes(12) + directories + described + bytes(count)
    lines = sized(struct.pack("<HBBI", 5, 8, 0, len(tables)) + tables)
    return _program(unit_of(language), lines)


def nested(trees: int, depth: int, language: int = C) -> bytes:
    """Return a program whose one function has such trees of inlined instances, all at one place."""
    function = b"\x02g\0" + struct.pack("<QQ", 0x1000, 0x100)
    tree = (b"\x08" + struct.pack("<QQ", 0x1000, 0x80)) * depth + bytes(depth)
    return _program(unit_of(language, more=function + tree * trees + b"\0"), lines_of(300))


def declarations(count: int, attributes: int, language: int = C) -> bytes:
    """Return a program whose abbreviations are so many, of so many attributes that take nothing."""
    made = (uleb(9 + at) + b"\x34\0" + b"\x3f\x19" * attributes + b"\0\0" for at in range(count))
    abbreviations = (".debug_abbrev", ABBREVIATIONS[:-1] + b"".join(made) + b"\0")
    return elf_of(
        ((".debug_info", unit_of(language)), abbreviations, (".debug_line", lines_of(1))), ZLIB
    )


def _pair(low: int, size: int) -> bytes:
    return b"\x04" + uleb(low) + uleb(low + size)


def uleb(number: int) -> bytes:
    """Return a number as LEB128."""
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes((*encoded, number))


def _program(unit: bytes, lines: bytes, *rest: tuple[str, bytes], packing: Packing = ZLIB) -> bytes:
    info = (".debug_info", unit)
    abbreviations = (".debug_abbrev", ABBREVIATIONS)
    return elf_of((info, abbreviations, (".debug_line", lines), *rest), packing)


def empty_units(count: int, *, length: int = 0) -> bytes:
    """Return a program of units that hold so many octets each: too few for a header, or just it."""
    unit = sized(struct.pack("<HIB", 4, 0, 8).ljust(length, b"\0")[:length])
    return elf_of(((".debug_info", unit * count), (".debug_abbrev", ABBREVIATIONS)), ZLIB)


def shared_name(sections: int, length: int) -> bytes:
    """Return a file of loaded sections whose long names are all the end of one."""
    names = b"\0" + b"n" * (length + sections) + b"\0"
    headers = struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 64, len(names), 0, 0, 1, 0)
    for number in range(1, sections):
        headers += struct.pack("<IIQQQQIIQQ", number, 1, 0, 1, 0, 0, 0, 0, 1, 0)
    header = bytearray(_file_header(64 + len(names), sections))
    header[-2:] = bytes(2)  # the names are in the first section
    return bytes(header) + names + headers
