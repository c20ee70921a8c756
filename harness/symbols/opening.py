"""From a path to open ELF files: the binary, its debug file, or the members of an archive."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.config import SymbolOptions
from harness.errors import InputRejected
from harness.symbols import formats
from harness.symbols.archive import Member, is_archive, iter_members
from harness.symbols.debugfile import find_debug_file
from harness.symbols.elf import ElfFile
from harness.symbols.limits import ReadingBudget
from harness.symbols.sections import Section

STAGE = "extraction"

_START_BYTES = 16
_ELF = b"\x7fELF"


def open_described(path: str, options: SymbolOptions) -> ElfFile:
    """Open a binary, or its debug file if the binary itself was stripped.

    Raises:
        InputRejected: It cannot be opened, or is no ELF file.
    """
    elf = _open(path, options)
    try:
        found = "" if elf.describes_itself() else find_debug_file(elf, options.debug_dirs)
    except BaseException:
        elf.close()
        raise
    if not found:
        return elf
    elf.close()
    return _open(found, options)


def holds_archive(path: str) -> bool:
    """Tell whether there is an archive at a path."""
    with suppress(OSError):
        return Path(path).is_file() and is_archive(_start_of(path, 0))
    return False


def iter_archive(
    path: str, options: SymbolOptions, budget: ReadingBudget, skipped: Counter[str]
) -> Iterator[ElfFile]:
    """Yield the object files of an archive; each is closed when the next one is asked for.

    All spend from one budget, whose clock runs when this returns. What is left out is counted.

    Raises:
        InputRejected: The archive is damaged, or an object file is.
    """
    with Path(path).open("rb", buffering=0) as file, _placed(path):
        size = os.fstat(file.fileno()).st_size
        for member in iter_members(path, Section("", file.fileno(), 0, size), budget.check_time):
            if reason := _reason_to_skip(member):
                skipped[reason] += 1
                continue
            with _open(member.path, options, member) as elf:
                elf.budget = budget
                if elf.describes_itself():
                    yield elf
                else:
                    skipped["archive member without debugging information"] += 1
            budget.resume()


@contextmanager
def _placed(path: str) -> Iterator[None]:
    try:
        yield
    except InputRejected as error:
        raise error.placed(path) from None


def _reason_to_skip(member: Member) -> str:
    try:
        start = _start_of(member.path, member.start)
    except OSError:
        return "archive member that is not there"
    name, _ = formats.named(start)
    is_elf = start.startswith(_ELF)
    return "" if is_elf else f"archive member that is {name or 'no ELF file'}"


def _start_of(path: str, at: int) -> bytes:
    with Path(path).open("rb", buffering=0) as file:
        return os.pread(file.fileno(), _START_BYTES, at)


def _open(path: str, options: SymbolOptions, member: Member | None = None) -> ElfFile:
    try:
        return ElfFile(path, options.limits, member)
    except OSError as error:
        reason = error.strerror or repr(error)
        raise InputRejected(reason, file=path, remedy="name a readable ELF file") from None
