"""The runtime's module data: where text begins and where function data lies.

The linker writes one `runtime.moduledata` record into writable data. Its first word points to the
pclntab header, which is how it is found without symbols; its text bounds stand at a fixed index.
The base of function data (`go:func.*`) moved as fields were added, so each known place is tried.

Some linkers leave the pointers of a position-independent binary to the loader: zero in the record,
and their values in the relocations.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from harness.symbols.go.image import Image
from harness.symbols.sections import Section

STAGE = "extraction"

_SECTIONS = (".go.module", ".noptrdata", ".data", ".data.rel.ro")
_RELOCATIONS = (".rela.dyn", ".rela")
_RELOCATION_BYTES = 24
_MOST_STARTS = 16  # each costs a look at all relocations, and hardly anything points to the header
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
    """Return the module data that points to this pclntab header, or None."""
    for words in chain(_iter_stored(image, header_address), _iter_relocated(image, header_address)):
        found = _parse(image, words)
        if found is not None:
            return found
    return None


def _iter_stored(image: Image, header_address: int) -> Iterator[tuple[int, ...]]:
    """Yield the words from each place on that points to the header."""
    size = image.pointer_size
    for section in image.sections(_SECTIONS):
        for offset in _iter_words(section, header_address, image):
            raw = section.window(offset, _WORDS * size)
            yield struct.unpack_from(_code(image, len(raw) // size), raw)


def _iter_relocated(image: Image, header_address: int) -> Iterator[tuple[int, ...]]:
    """Yield the words that the loader would put there; those that it would leave alone are 0."""
    if image.pointer_size != 8:
        return  # other relocations, whose values stand in the record
    for section in image.sections(_RELOCATIONS):
        starts = (at for at, value in _iter_values(section, image) if value == header_address)
        for start in islice(starts, _MOST_STARTS):
            words = [0] * _WORDS
            for at, value in _iter_values(section, image):
                place, rest = divmod(at - start, 8)
                if 0 <= place < _WORDS and not rest:
                    words[place] = value
            yield tuple(words)


def _iter_values(section: Section, image: Image) -> Iterator[tuple[int, int]]:
    """Yield address and value of each relocation."""
    entry = struct.Struct(_code(image, 3))
    step = _RELOCATION_BYTES * 1024
    for start in range(0, section.size - section.size % _RELOCATION_BYTES, step):
        data = section.window(start, step)
        for place in range(0, len(data) - _RELOCATION_BYTES + 1, _RELOCATION_BYTES):
            at, _, value = entry.unpack_from(data, place)
            yield at, value


def _code(image: Image, count: int) -> str:
    """Return how to unpack pointer-sized numbers."""
    return ("<" if image.order == "little" else ">") + (
        "Q" if image.pointer_size == 8 else "I"
    ) * count


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


def _parse(image: Image, words: tuple[int, ...]) -> ModuleData | None:
    count = len(words)
    if count <= _END_TEXT:
        return None
    text, end = words[_TEXT], words[_END_TEXT]
    # Some other record may point to the header too; only module data bounds its PCs by its text.
    if not text <= words[_MIN_PC] < words[_MAX_PC] <= end:
        return None
    places = [words[index] for index in _GOFUNC_PLACES if index < count]
    return ModuleData(text, end, tuple(place for place in places if image.find(place)))
