"""Binaries that hold the debugging information of a committed one several times over."""

from __future__ import annotations

from pathlib import Path

from harness.symbols.elf import ElfFile
from harness.tests.symbols.go.elf_writer import write_elf

_SECTIONS = (
    *(".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str", ".debug_line"),
    *(".debug_ranges", ".debug_rnglists", ".debug_loc", ".debug_loclists", ".debug_addr"),
    ".debug_str_offsets",
)


def with_repeated_units(source: Path, times: int, folder: Path) -> Path:
    """Write the units of `source` so many times in a row; what they refer to is there once.

    References to other units lead into the first copy, which so has the instances of all.
    """
    sections: list[tuple[str, int, bytes]] = []
    with ElfFile(str(source)) as elf:
        for name in _SECTIONS:
            section = elf.section(name)
            if section is not None:
                content = section.read(0, section.size)
                sections.append((name, 0, content * times if name == ".debug_info" else content))
    return write_elf(folder / f"{source.stem}-{times}", sections)
