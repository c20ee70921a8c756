"""Go build information: which main module a binary was built from.

The linker leaves a blob of 32 bytes that begins with a magic and is aligned to 16, in a section of
its own or near the start of the data segment. Since Go 1.18 the two strings follow the blob, each
with a varint length; before, the blob holds pointers to two Go string headers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from harness.errors import InputRejected
from harness.symbols.elf import ElfFile
from harness.symbols.go.image import Image
from harness.symbols.sections import Section

STAGE = "extraction"

_MAGIC = b"\xff Go buildinf:"
_ALIGN = 16
_HEADER_BYTES = 32
_POINTER_SIZE_AT = 14
_FLAGS_AT = 15
_BIG_ENDIAN = 1
_INLINE = 2
_MARKER_BYTES = 16
_SEARCH_BYTES = 1 << 20
_STRING_BYTES = 1 << 20
_SECTIONS = (".go.buildinfo", ".data", ".noptrdata", ".data.rel.ro", ".rodata")


def read_main_module(elf: ElfFile) -> str:
    """Return the main module of a Go binary; empty when the build system did not record one.

    Raises:
        InputRejected: There is none, or it is damaged.
    """
    for section, offset in _iter_places(elf):
        return _parse(Image(elf), section, offset)
    raise InputRejected(
        "no Go build information",
        file=elf.path,
        remedy="name what Go's toolchain linked, not a file of debugging information alone",
    )


def has_build_info(elf: ElfFile) -> bool:
    """Tell whether there is build information, be it readable or not.

    The name of its section is enough: a file of debugging information alone has no bytes for it.
    """
    return _SECTIONS[0] in elf.names() or any(True for _ in _iter_places(elf))


def _iter_places(elf: ElfFile) -> Iterator[tuple[Section, int]]:
    """Yield sections that hold the magic, and where in them it is."""
    for name in _SECTIONS:
        section = elf.section(name)
        if section is None or not section.address:
            continue
        offset = _find_magic(section)
        if offset >= 0:
            yield section, offset


def _find_magic(section: Section) -> int:
    """Return the offset of the aligned magic near the start of the section, or -1."""
    found = section.iter_found(_MAGIC, _SEARCH_BYTES)
    return next((at for at in found if (section.address + at) % _ALIGN == 0), -1)


def _parse(image: Image, section: Section, offset: int) -> str:
    header = section.read(offset, _HEADER_BYTES)
    if header[_FLAGS_AT] & _INLINE:
        version, after = _inline_string(section, offset + _HEADER_BYTES)
        module, _ = _inline_string(section, after)
    else:
        size = header[_POINTER_SIZE_AT]
        if size not in (4, 8):
            raise InputRejected(f"pointers of {size} bytes", section=section.name, offset=offset)
        order: Literal["little", "big"] = "big" if header[_FLAGS_AT] & _BIG_ENDIAN else "little"
        first, second = header[16 : 16 + size], header[16 + size : 16 + 2 * size]
        version = _pointed_string(image, int.from_bytes(first, order), size, order)
        module = _pointed_string(image, int.from_bytes(second, order), size, order)
    if not version:
        raise InputRejected("empty Go version", section=section.name, offset=offset)
    return _main_module(module)


def _inline_string(section: Section, offset: int) -> tuple[bytes, int]:
    length = shift = 0
    while True:
        octet = section.read(offset, 1)[0]
        offset += 1
        length |= (octet & 0x7F) << shift
        shift += 7
        if octet < 0x80:
            break
        if shift > 63:
            raise InputRejected("endless varint", section=section.name, offset=offset)
    if length > _STRING_BYTES:
        raise InputRejected(f"string of {length} bytes", section=section.name, offset=offset)
    return section.read(offset, length), offset + length


def _pointed_string(
    image: Image, address: int, size: int, order: Literal["little", "big"]
) -> bytes:
    """Follow a pointer to a Go string header, then the header's pointer to the bytes."""
    if not address:
        return b""
    header = image.read(address, 2 * size)
    data, length = (int.from_bytes(part, order) for part in (header[:size], header[size:]))
    if length > _STRING_BYTES:
        raise InputRejected(f"build information string of {length} bytes")
    return image.read(data, length) if length else b""


def _main_module(text: bytes) -> str:
    """Return what the text says between its two 16-byte markers; without them it is none."""
    if len(text) < 2 * _MARKER_BYTES + 1 or text[-_MARKER_BYTES - 1] != 0x0A:
        return ""
    for line in text[_MARKER_BYTES:-_MARKER_BYTES].decode("utf-8", "replace").splitlines():
        kind, *rest = line.split("\t")
        if kind == "mod" and rest:
            return rest[0]
    return ""
