"""The one way into a binary, and the border that damage crosses only as InputRejected."""

from __future__ import annotations

import errno
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from harness.config import SymbolOptions
from harness.errors import InputRejected
from harness.model import Package
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile
from harness.symbols.go import has_build_info, iter_go_packages
from harness.symbols.native.extract import iter_native_packages

_T = TypeVar("_T")
_REFUSED = (
    *(InputRejected, ArithmeticError, AttributeError, EOFError, LookupError),
    *(OSError, RecursionError, TypeError, ValueError, struct.error, zlib.error),
)
# Not MemoryError: reads are bounded, so running out of memory says nothing about the input.


@dataclass(slots=True)
class PackageSource:
    """An open binary.

    Attributes:
        packages: The packages, one at a time; to be walked once, while the binary is open.
        language: `go` if Go is part of it, else `c`, `cpp` or `rust`, as the first known unit.
        skipped: What was left out so far, by reason.
    """

    packages: Iterator[Package]
    language: str
    skipped: dict[str, int] = field(default_factory=dict)


@contextmanager
def open_packages(path: str, options: SymbolOptions | None = None) -> Iterator[PackageSource]:
    """Open a binary and stream its packages.

    Raises:
        InputRejected: The file cannot be read as ELF with DWARF, now or at any later package.
    """
    chosen = options or SymbolOptions()
    try:
        elf = ElfFile(path, chosen.limits)
    except OSError as error:
        reason = error.strerror or repr(error)
        raise InputRejected(reason, file=path, remedy="name a readable ELF file") from None
    with elf:
        skipped: dict[str, int] = {}
        language, packages = _open(elf, chosen, skipped)
        yield PackageSource(_guard_packages(packages, _Guard(path, chosen)), language, skipped)


def _open(
    elf: ElfFile, options: SymbolOptions, skipped: dict[str, int]
) -> tuple[str, Iterator[Package]]:
    guard = _Guard(elf.path, options)
    with guard.border():
        if elf.relocatable:
            raise InputRejected(
                "an object file that was never linked", remedy="link it into a library or program"
            )
        dwarf = Dwarf(elf, skipped)
        language = _language(dwarf, elf)
        if language == "go":
            return language, iter_go_packages(dwarf, elf, options, skipped)
        return language, iter_native_packages(dwarf, options, skipped)


def _language(dwarf: Dwarf, elf: ElfFile) -> str:
    """Return `go` for a program of which Go is a part, else the language of the first known unit.

    A C linker puts C units in front of Go's. Build information alone proves nothing: it may be
    that of a Go program inside the data of this one.
    """
    languages = (
        unit.language
        for unit in dwarf.iter_units()
        if unit.root_tag == dw.TAG_COMPILE_UNIT and unit.language
    )
    first = next(languages, "")
    if first not in ("", "go") and has_build_info(elf) and "go" in languages:
        return "go"
    return first


class _Guard:
    """Turns what damage does to a reader into InputRejected, and ends what drags on."""

    def __init__(self, path: str, options: SymbolOptions) -> None:
        self._path = path
        self._wall_s = options.limits.wall_s
        self._deadline = time.monotonic() + options.limits.wall_s

    @contextmanager
    def border(self) -> Iterator[None]:
        """Let nothing but InputRejected out."""
        try:
            yield
        except _REFUSED as error:
            raise self.reject(error) from error

    def reject(self, error: Exception) -> InputRejected:
        """Return what to raise instead of `error`, with the file named."""
        if isinstance(error, InputRejected):
            return error if error.file else error.in_file(self._path)
        if isinstance(error, OSError):
            room = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            remedy = "let TMPDIR name a folder with more room" if room else ""
            reason = f"reading or spooling fails: {error.strerror or repr(error)}"
            return InputRejected(reason, file=self._path, remedy=remedy)
        return InputRejected(f"damaged debug information: {error!r}", file=self._path)

    def iterate(self, items: Iterator[_T]) -> Iterator[_T]:
        """Yield what `items` yields. Only what `items` raises is translated, not its consumer."""
        while True:
            try:
                item = next(items)
            except StopIteration:
                return
            except _REFUSED as error:
                raise self.reject(error) from error
            if time.monotonic() > self._deadline:
                raise InputRejected(f"still not read after {self._wall_s:g} s", file=self._path)
            yield item
            del item  # a child must not live on while the next one is being made


def _guard_packages(packages: Iterator[Package], guard: _Guard) -> Iterator[Package]:
    for package in guard.iterate(packages):
        package.children = guard.iterate(package.children)
        yield package
