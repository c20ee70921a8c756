"""The runtime's module data: where text begins and where function data lies.

The linker writes one `runtime.moduledata` record into writable data. Its first word points to the
pclntab header, which is how it is found without symbols; its text bounds stand at a fixed index.
The base of function data (`go:func.*`) moved as fields were added, so each known place is tried.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from harness.symbols.go.image import Image
from harness.symbols.sections import Section

_SECTIONS = (".go.module", ".noptrdata", ".data", ".data.rel.ro")
_STEP_BYTES = 64 * 1024
_MIN_PC, _MAX_PC, _TEXT, _END_TEXT = 20, 21, 22, 23
# Index of `gofunc` in words: Go 1.27, 1.26, 1.20 to 1.25, 1.18 to 1.19.
_GOFUNC_PLACES = (43, 42, 41, 40, 38)
_WORDS = max(_GOFUNC_PLACES) + 1


@dataclass(frozen=True, slots=True)
class ModuleData:
    """Bounds of the text, and the addresses that may be the base of function data."""

    text: int
    text_end: int
    function_data: tuple[int, ...]


def find_module_data(image: Image, header_address: int) -> ModuleData | None:
    """Return the module data that points to this pclntab header, or None.

    Position-independent binaries whose pointers exist only as relocations have none to find.
    """
    for section in image.sections(_SECTIONS):
        for offset in _iter_words(section, header_address, image):
            found = _parse(image, section, offset)
            if found is not None:
                return found
    return None


def _iter_words(section: Section, value: int, image: Image) -> Iterator[int]:
    """Yield the aligned offsets at which a section holds the pointer-sized value."""
    size = image.pointer_size
    wanted = value.to_bytes(size, image.order)
    for start in range(0, section.size, _STEP_BYTES):
        data = section.window(start, _STEP_BYTES)
        found = data.find(wanted)
        while found >= 0:
            if found % size == 0:
                yield start + found
            found = data.find(wanted, found + 1)


def _parse(image: Image, section: Section, offset: int) -> ModuleData | None:
    size = image.pointer_size
    raw = section.window(offset, _WORDS * size)
    count = len(raw) // size
    if count <= _END_TEXT:
        return None
    code = ("<" if image.order == "little" else ">") + ("Q" if size == 8 else "I") * count
    words = struct.unpack_from(code, raw)
    text, end = words[_TEXT], words[_END_TEXT]
    # Some other record may point to the header too; only module data bounds its PCs by its text.
    if not text <= words[_MIN_PC] < words[_MAX_PC] <= end:
        return None
    places = [words[index] for index in _GOFUNC_PLACES if index < count]
    return ModuleData(text, end, tuple(place for place in places if image.find(place)))
