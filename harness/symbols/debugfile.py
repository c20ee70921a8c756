"""Debug files: where a stripped binary says that its debugging information is.

As gdb looks for them: by the build ID under the debug directories, then by the name in
.gnu_debuglink beside the binary, in `.debug` there, and under the debug directories: where the
binary is below them, or in them.
"""

from __future__ import annotations

import posixpath
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.symbols.elf import ElfFile

STAGE = "extraction"

DEBUG_DIRECTORY = "/usr/lib/debug"
_GNU_BUILD_ID = 3
_MOST_ID_BYTES = 64
_MOST_NAME_BYTES = 256
_READ_BYTES = 1 << 20


def find_debug_file(elf: ElfFile, directories: Sequence[str] = ()) -> str:
    """Return the path of the debug file of a binary; empty if there is none.

    The system's debug directory is looked into last.
    """
    everywhere = (*directories, DEBUG_DIRECTORY)
    for path in iter_by_id(build_id(elf), everywhere):
        if posixpath.isfile(path):
            return path
    for path, checksum in _iter_links(elf, everywhere):
        if posixpath.isfile(path) and not _is_same(path, elf.path) and _checksum(path) == checksum:
            return path
    return ""


def iter_by_id(identity: str, directories: Sequence[str]) -> Iterator[str]:
    """Yield where the debug file of a build ID may be."""
    for directory in directories if identity else ():
        yield posixpath.join(directory, ".build-id", identity[:2], f"{identity[2:]}.debug")


def build_id(elf: ElfFile) -> str:
    """Return the build ID in hexadecimal digits; empty without one."""
    section = elf.section(".note.gnu.build-id")
    if section is None or section.size < 16:
        return ""
    head = section.window(0, 16 + _MOST_ID_BYTES)
    name, size, kind = (int.from_bytes(head[at : at + 4], elf.order) for at in (0, 4, 8))
    if name != 4 or kind != _GNU_BUILD_ID or size > _MOST_ID_BYTES:
        return ""
    return head[16 : 16 + size].hex()


def _iter_links(elf: ElfFile, directories: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield where the file may be that .gnu_debuglink names, and its checksum."""
    section = elf.section(".gnu_debuglink")
    if section is None:
        return
    data = section.window(0, _MOST_NAME_BYTES)
    end = data.find(0)
    at = (end + 4) & ~3
    if end <= 0 or b"/" in data[:end] or at + 4 > len(data):
        return
    name = data[:end].decode("utf-8", "surrogateescape")
    checksum = int.from_bytes(data[at : at + 4], elf.order)
    here = posixpath.dirname(posixpath.realpath(elf.path))
    below = (f"{directory}{here}" for directory in directories)
    for folder in (here, posixpath.join(here, ".debug"), *below, *directories):
        yield posixpath.join(folder, name), checksum


def _is_same(path: str, other: str) -> bool:
    return posixpath.realpath(path) == posixpath.realpath(other)


def _checksum(path: str) -> int:
    found = 0
    with suppress(OSError), Path(path).open("rb", buffering=0) as file:
        while data := file.read(_READ_BYTES):
            found = zlib.crc32(data, found)
    return found
