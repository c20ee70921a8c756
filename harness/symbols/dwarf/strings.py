"""Strings of debugging entries, resolved only when somebody wants to read them."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.errors import InputRejected
from harness.symbols.dwarf.decoder import LINE_STRP, STRP, STRP_SUP, STRX

if TYPE_CHECKING:
    from harness.symbols.elf import ElfFile
    from harness.symbols.sections import Section

STAGE = "extraction"

CUT = "rest of a string longer than the limit"
_CACHED_STRINGS = 512
_SECTIONS = {STRP: ".debug_str", STRP_SUP: ".debug_str", LINE_STRP: ".debug_line_str"}


class Strings:
    """The string sections of one file.

    A value is what the decoder returns for a string attribute: bytes when the string stood inline,
    otherwise `offset << 3 | kind`. The kind is part of the cache key because equal offsets into
    different sections are different strings. `skipped` counts the strings that were cut.
    """

    def __init__(self, elf: ElfFile, skipped: Counter[str]) -> None:
        self._elf = elf
        self.skipped = skipped
        self._limit = elf.limits.string_bytes
        self._shared = lru_cache(maxsize=_CACHED_STRINGS)(self._read)

    def text(self, value: bytes | int, offsets_base: int = 0, offset_size: int = 4) -> str:
        """Return the string; bytes that are not UTF-8 are replaced, not kept as surrogates.

        An indexed one counts from the unit's DW_AT_str_offsets_base.
        """
        if isinstance(value, bytes):
            if len(value) >= self._limit:
                value = self._cut(value)
            return value.decode("utf-8", "replace")
        if value & 7 == STRX:
            value = self._follow_index(value >> 3, offsets_base, offset_size)
        return self._shared(value)

    def _follow_index(self, index: int, base: int, offset_size: int) -> int:
        section = self._elf.section(".debug_str_offsets")
        if section is None:
            raise InputRejected(
                "an indexed string without its section", section=".debug_str_offsets"
            )
        raw = section.read(base + index * offset_size, offset_size)
        return int.from_bytes(raw, self._elf.order) << 3 | STRP

    def _read(self, value: int) -> str:
        elf = self._elf.supplement if value & 7 == STRP_SUP else self._elf
        if elf is None:
            return ""  # it was not found
        name = _SECTIONS[value & 7]
        section: Section | None = elf.section(name)
        if section is None:
            raise InputRejected("a string without its section", section=name)
        octets = section.string(value >> 3, self._limit)
        if len(octets) >= self._limit:
            octets = self._cut(octets)
        return octets.decode("utf-8", "replace")

    def _cut(self, octets: bytes) -> bytes:
        """Return what the limit leaves of a string that reaches it, and count it."""
        self.skipped[CUT] += 1
        return octets[: self._limit]
