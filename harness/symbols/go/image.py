"""Loaded sections by address: what a pointer in a Go binary points to."""

from __future__ import annotations

from typing import Literal

from harness.errors import InputRejected
from harness.symbols.elf import ElfFile
from harness.symbols.sections import Section

STAGE = "extraction"


class Image:
    """The loaded sections of an ELF file, read by virtual address."""

    __slots__ = ("_sections", "order", "pointer_size")

    def __init__(self, elf: ElfFile) -> None:
        self.pointer_size = elf.address_size
        self.order: Literal["little", "big"] = "little" if elf.little_endian else "big"
        loaded = [
            elf.section(name) for name in elf.names() if not name.startswith((".debug", ".z"))
        ]
        self._sections = [section for section in loaded if section is not None and section.address]

    def find(self, address: int) -> Section | None:
        """Return the section that holds the address."""
        for section in self._sections:
            if section.address <= address < section.address + section.size:
                return section
        return None

    def read(self, address: int, size: int) -> bytes:
        """Return bytes at an address.

        Raises:
            InputRejected: No section holds the range.
        """
        section = self.find(address)
        if section is None:
            raise InputRejected(f"no section holds address {address:#x}")
        return section.read(address - section.address, size)

    def word(self, address: int) -> int:
        """Return the pointer-sized number at an address."""
        return int.from_bytes(self.read(address, self.pointer_size), self.order)

    def sections(self, names: tuple[str, ...]) -> list[Section]:
        """Return the sections of these names that exist, in the order asked for."""
        by_name = {section.name: section for section in self._sections}
        return [by_name[name] for name in names if name in by_name]
