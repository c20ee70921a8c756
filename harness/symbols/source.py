"""The one way into a binary, and the border that damage crosses only as InputRejected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from harness.config import SymbolOptions
from harness.errors import InputRejected
from harness.model import Package
from harness.symbols.damage import REFUSED, rejection
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile
from harness.symbols.go import has_build_info, iter_go_packages
from harness.symbols.native.extract import iter_native_packages

STAGE = "extraction"

_T = TypeVar("_T")


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
        with _border(elf):
            dwarf = _open(elf, skipped)
            language = _language(dwarf, elf)
            packages = _packages(dwarf, language, chosen, skipped)
            dwarf.budget.pause()
        yield PackageSource(_Guard(elf).watch(packages), language, skipped)


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

    def __init__(self, elf: ElfFile) -> None:
        self._elf = elf

    def watch(self, packages: Iterator[Package]) -> Iterator[Package]:
        """Yield packages that are watched, and so are their children."""
        for package in self._iterate(packages):
            package.children = self._iterate(package.children)
            yield package

    def _iterate(self, items: Iterator[_T]) -> Iterator[_T]:
        """Yield what `items` yields. Only what `items` does is judged, not its consumer."""
        budget = self._elf.budget
        while True:
            budget.resume()
            try:
                item = next(items, None)
                budget.pause()
            except REFUSED as error:
                raise rejection(self._elf, error) from error
            if item is None:
                return
            yield item
            del item  # a child must not live on while the next one is being made


@contextmanager
def _border(elf: ElfFile) -> Iterator[None]:
    """Let nothing but InputRejected out."""
    try:
        yield
    except REFUSED as error:
        raise rejection(elf, error) from error
