"""The supplementary file: what several binaries have in common, as `dwz -m` leaves it.

GNU's tools name it in .gnu_debugaltlink, with its build ID, and DWARF 5 in .debug_sup, with a
checksum that both files have. It is looked for where it is named, as seen from the binary, and
below the debug directories, by its build ID or its name.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.symbols.debugfile import DEBUG_DIRECTORY, build_id, iter_by_id
from harness.symbols.dwarf.forms import read_uleb
from harness.symbols.dwarf.units import ASIDE_BYTES, Dwarf
from harness.symbols.elf import ElfFile

if TYPE_CHECKING:
    from harness.symbols.sections import Section

STAGE = "extraction"

MISSING = "unit of the supplementary file"
"""How the reason begins for which a part of a binary is left out."""

_MOST_BYTES = 4096


class SupplementLink(NamedTuple):
    """What a binary says of its supplementary file."""

    name: str
    identity: bytes


class SupplementDwarf(Dwarf):
    """The debugging information of a supplementary file, at offsets that follow the binary's."""

    def __init__(self, elf: ElfFile, origin: int, skipped: Counter[str]) -> None:
        super().__init__(elf, skipped)
        self.origin = origin
        self.info = self.info.moved(f".debug_info, from {origin:#x} on that of {elf.path}", origin)
        self.aside = self.info.view(ASIDE_BYTES)


def add_supplement(dwarf: Dwarf, directories: Sequence[str], skipped: Counter[str]) -> None:
    """Open the supplementary file of a binary, to be closed with it; count one that is not there.

    Raises:
        InputRejected: It is damaged.
    """
    elf = dwarf.elf
    link = _read_link(elf)
    if link is None:
        return
    for path in iter_supplement_places(elf, directories):
        if not posixpath.isfile(path):
            continue
        elf.supplement = ElfFile(path, elf.limits)  # from here on closed with the binary
        elf.supplement.budget = elf.budget
        if _identity(elf.supplement) == link.identity:
            if elf.supplement.section(".debug_info") is not None:  # it may have text alone
                dwarf.supplement = SupplementDwarf(elf.supplement, dwarf.info.size, skipped)
            return
        elf.supplement.close()
        elf.supplement = None
    skipped[f"{MISSING} {link.name}, which is not there"] += 1


def iter_supplement_places(elf: ElfFile, directories: Sequence[str]) -> Iterator[str]:
    """Yield where the supplementary file of a binary may be, if it names one."""
    if link := _read_link(elf):
        yield from _iter_places(elf.path, link, (*directories, DEBUG_DIRECTORY))


def _read_link(elf: ElfFile) -> SupplementLink | None:
    section = elf.section(".gnu_debugaltlink")
    if section is not None:
        name, _, identity = section.window(0, _MOST_BYTES).partition(b"\0")
    else:
        section = elf.section(".debug_sup")
        if section is None:
            return None
        name, identity = _read_sup(section)
    return SupplementLink(name.decode("utf-8", "replace"), identity) if name else None


def _read_sup(section: Section) -> tuple[bytes, bytes]:
    """Return the name of the supplementary file, empty in that file itself, and its checksum."""
    data = section.window(0, _MOST_BYTES)
    end = data.index(0, 3)
    size, at = read_uleb(data, end + 1)
    return data[3:end], data[at : at + size]


def _identity(found: ElfFile) -> bytes:
    section = found.section(".debug_sup")
    return bytes.fromhex(build_id(found)) if section is None else _read_sup(section)[1]


def _iter_places(binary: str, link: SupplementLink, directories: Sequence[str]) -> Iterator[str]:
    here = posixpath.dirname(posixpath.realpath(binary))
    yield posixpath.join(here, link.name)
    yield posixpath.join(here, posixpath.basename(link.name))
    yield from iter_by_id(link.identity.hex(), directories)
    for directory in directories:
        yield posixpath.join(directory, posixpath.basename(link.name))
        yield posixpath.join(directory, ".dwz", posixpath.basename(link.name))
