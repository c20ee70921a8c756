"""The one way into a binary, and the border that damage crosses only as InputRejected."""

from __future__ import annotations

import errno
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from harness.config import SymbolOptions
from harness.errors import InputRejected
from harness.model import Package
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.budget import Budget
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile
from harness.symbols.go import iter_go_packages
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
        language: `go`, `c`, `cpp` or `rust`: that of the first unit known to extraction.
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
        with _border(path):
            dwarf = _open(elf, skipped)
            language = _language(dwarf)
            packages = _packages(dwarf, language, chosen, skipped)
            dwarf.budget.pause()
        yield PackageSource(_Guard(path, dwarf.budget).watch(packages), language, skipped)


def _open(elf: ElfFile, skipped: dict[str, int]) -> Dwarf:
    if elf.relocatable:
        raise InputRejected(
            "an object file that was never linked", remedy="link it into a library or program"
        )
    return Dwarf(elf, skipped)


def _packages(
    dwarf: Dwarf, language: str, options: SymbolOptions, skipped: dict[str, int]
) -> Iterator[Package]:
    if language == "go":
        return iter_go_packages(dwarf, dwarf.elf, options, skipped)
    return iter_native_packages(dwarf, options, skipped)


def _language(dwarf: Dwarf) -> str:
    for unit in dwarf.iter_units():
        if unit.root_tag == dw.TAG_COMPILE_UNIT and unit.language:
            return unit.language
    return ""


class _Guard:
    """Turns what damage does to a reader into InputRejected, and ends what drags on."""

    def __init__(self, path: str, budget: Budget) -> None:
        self._path = path
        self._budget = budget

    def watch(self, packages: Iterator[Package]) -> Iterator[Package]:
        """Yield packages that are watched, and so are their children."""
        for package in self._iterate(packages):
            package.children = self._iterate(package.children)
            yield package

    def _iterate(self, items: Iterator[_T]) -> Iterator[_T]:
        """Yield what `items` yields. Only what `items` does is judged, not its consumer."""
        budget = self._budget
        while True:
            budget.resume()
            try:
                item = next(items, None)
                budget.pause()
            except _REFUSED as error:
                raise _reject(self._path, error) from error
            if item is None:
                return
            yield item
            del item  # a child must not live on while the next one is being made


@contextmanager
def _border(path: str) -> Iterator[None]:
    """Let nothing but InputRejected out."""
    try:
        yield
    except _REFUSED as error:
        raise _reject(path, error) from error


def _reject(path: str, error: Exception) -> InputRejected:
    """Return what to raise instead of `error`, with the file named."""
    if isinstance(error, InputRejected):
        return error if error.file else error.in_file(path)
    if isinstance(error, OSError):
        room = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        remedy = "let TMPDIR name a folder with more room" if room else ""
        reason = f"reading or spooling fails: {error.strerror or repr(error)}"
        return InputRejected(reason, file=path, remedy=remedy)
    return InputRejected(f"damaged debug information: {error!r}", file=path)
