"""The one way into a binary, and the border that damage crosses only as InputRejected."""

from __future__ import annotations

import errno
import struct
import zlib
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeVar

from harness.config import SymbolOptions
from harness.errors import NO_ROOM, InputRejected
from harness.model import LanguageSpecifics, Package, Scope, count_functions, package_scope
from harness.symbols.dwarf import constants as dw
from harness.symbols.dwarf.units import Dwarf, Unit
from harness.symbols.elf import ElfFile
from harness.symbols.go.buildinfo import has_build_info
from harness.symbols.go.packages import iter_go_contents
from harness.symbols.limits import ReadingBudget
from harness.symbols.native.extract import iter_native_contents
from harness.symbols.opening import holds_archive, iter_archive, open_described
from harness.symbols.split import SKELETON, is_skeleton, open_split
from harness.symbols.supplement import MISSING, add_supplement

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
    skipped = Counter[str]()
    if holds_archive(path):
        language, members = _open_archive(path, chosen, skipped)
        with closing(members):
            yield PackageSource(members, language, skipped)
        return
    with open_described(path, chosen) as elf:
        with _judged(elf):
            language, packages = _open(elf, chosen, skipped)
        try:
            yield PackageSource(_watch_packages(elf, packages, skipped), language, skipped)
        finally:
            packages.close()  # what it has in temporary files is not left to the collector


def _open_archive(
    path: str, options: SymbolOptions, skipped: Counter[str]
) -> tuple[str, Generator[Package]]:
    """Return the first known language in an archive, and the packages of all its object files."""
    budget = ReadingBudget(options.limits)
    language = ""
    for elf in iter_archive(path, options, budget, Counter()):
        with _judged(elf):
            language = _language(Dwarf(elf), options.debug_dirs)
        if language:
            break
    budget.pause()
    return language, _iter_archive_packages(path, options, budget, skipped)


def _iter_archive_packages(
    path: str, options: SymbolOptions, budget: ReadingBudget, skipped: Counter[str]
) -> Generator[Package]:
    """Yield the packages of one object file after the other.

    Raises:
        InputRejected: There was none.
    """
    empty = True
    budget.resume()
    for elf in iter_archive(path, options, budget, skipped):
        with _judged(elf):
            _, packages = _open(elf, options, skipped)
        try:
            for package in _watch_packages(elf, packages, None):
                empty = False
                yield package
        finally:
            packages.close()
    if empty:
        raise _nothing(path, skipped)


@contextmanager
def _judged(elf: ElfFile) -> Iterator[None]:
    """Let damage to a file be said as such."""
    try:
        yield
    except REFUSED as error:
        raise rejection(elf, error) from error


def _open(
    elf: ElfFile, options: SymbolOptions, skipped: Counter[str]
) -> tuple[str, Generator[Package]]:
    dwarf = Dwarf(elf, skipped)
    add_supplement(dwarf, options.debug_dirs, skipped)
    language = _language(dwarf, options.debug_dirs)
    iter_contents = iter_go_contents if language == "go" else iter_native_contents
    packages = _iter_packages(iter_contents(dwarf, options, skipped), options.agent_version)
    dwarf.budget.pause()
    return language, packages


def _language(dwarf: Dwarf, directories: Sequence[str]) -> str:
    """Return `go` for a program of which Go is a part, else the language of the first known unit.

    A C linker puts C units in front of Go's. Build information alone proves nothing: it may be
    that of a Go program inside the data of this one.
    """
    languages = filter(None, (_language_of(unit, directories) for unit in dwarf.iter_units()))
    first = next(languages, "")
    if first not in ("", "go") and has_build_info(dwarf.elf) and "go" in languages:
        return "go"
    return first


def _language_of(unit: Unit, directories: Sequence[str]) -> str:
    """Return the language of a unit; of a skeleton, what its file says."""
    if is_skeleton(unit) and (split := open_split(unit, directories)):
        with closing(split):
            return _language(split, directories)
    return unit.language if unit.root_tag == dw.TAG_COMPILE_UNIT else ""


def _watch_packages(
    elf: ElfFile, packages: Iterator[Package], skipped: Counter[str] | None
) -> Iterator[Package]:
    """Yield packages that are watched, and so are their children.

    Raises:
        InputRejected: There was none, though `skipped` could say why: an empty result is not to be
            taken for a small one.
    """
    empty = True
    for package in _watch(elf, packages):
        empty = False
        package.children = _watch(elf, _weighed(elf, package.children))
        yield package
    if empty and skipped is not None:
        raise _nothing(elf.path, skipped)


def _weighed(elf: ElfFile, children: Iterator[Scope]) -> Iterator[Scope]:
    """Yield children until they are more than a file may describe."""
    for child in children:
        elf.budget.spend_output(_weight(child))
        yield child
        del child  # it must not live on while the next one is being made


_SCOPE_BYTES, _SYMBOL_BYTES, _RANGE_BYTES = 128, 64, 24  # keys and marks, without any text


def _weight(scope: Scope) -> int:
    """Return about how many bytes a scope takes as JSON: a lower bound."""
    specifics = scope.language_specifics
    size = _SCOPE_BYTES + len(scope.name) + len(scope.source_file)
    size += _RANGE_BYTES * len(scope.injectible_lines)
    if specifics is not None:
        size += len(specifics.qualified_name) + len(specifics.linkage_name)
        size += sum(map(len, specifics.super_classes))
    for symbol in scope.symbols:
        size += _SYMBOL_BYTES + len(symbol.name) + len(symbol.type)
        places = symbol.language_specifics
        if places is not None:
            size += _RANGE_BYTES * len(places.available_line_ranges)
    return size + sum(map(_weight, scope.scopes))


_MOST_REASONS = 3
_REMEDIES = (
    (SKELETON, "put its .dwo or .dwp files beside it, or name their directory (--debug-dir)"),
    (MISSING, "put that file where it is named, or name its directory (--debug-dir)"),
    ("unit in ", "name a binary with debugging information of C, C++, Go or Rust"),
    ("unit: not Go", "name a binary with debugging information of C, C++, Go or Rust"),
    ("", "build it with -g, or ask for another --scope"),
)


def _nothing(path: str, skipped: Counter[str]) -> InputRejected:
    """Return what to say of a file of which nothing was extracted: what was left out, and why."""
    found = sorted(skipped.most_common(), key=lambda one: not one[0].startswith(MISSING))
    found = found[:_MOST_REASONS]  # a file that is missing is the reason of others
    left_out = ", ".join(f"{count:,} x {reason}" for reason, count in found)
    why = f"left out: {left_out}" if found else "its debugging information has no function or type"
    first = found[0][0] if found else ""
    remedy = next(remedy for start, remedy in _REMEDIES if first.startswith(start))
    return InputRejected(f"nothing was extracted ({why})", file=path, remedy=remedy)


def _watch(elf: ElfFile, items: Iterator[_T]) -> Iterator[_T]:
    """Yield what `items` yields; what damage does to it becomes InputRejected, delay too.

    Only what `items` does is judged, not its consumer.
    """
    while True:
        elf.budget.resume()
        try:
            item = next(items, None)
            elf.budget.pause()
        except REFUSED as error:
            raise rejection(elf, error) from error
        if item is None:
            return
        yield item
        del item  # a child must not live on while the next one is being made


REFUSED = (
    *(InputRejected, ArithmeticError, EOFError, LookupError, OSError),
    *(RecursionError, ValueError, struct.error, zlib.error),
)
"""What damage, or a limit, can make a reader raise."""

_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    ((IndexError, EOFError, struct.error), "an entry or a table runs past its end"),
    (LookupError, "a number stands for nothing known"),
    (ArithmeticError, "a number is too large, or divides by zero"),
    (RecursionError, "entries refer to each other without end"),
    (zlib.error, "compressed data is damaged"),
    (ValueError, "a value cannot be what it says"),
)


def rejection(elf: ElfFile, error: Exception) -> InputRejected:
    """Return what to raise instead of `error`: with the file, and the unit that was being read."""
    if isinstance(error, InputRejected):
        return error.placed(elf.path, elf.unit)
    if isinstance(error, OSError):
        room = error.errno in NO_ROOM
        remedy = "let TMPDIR name a folder with more room" if room else ""
        why = error.strerror or errno.errorcode.get(error.errno or 0, "unknown reason")
        return InputRejected(f"reading or spooling fails: {why}", file=elf.path, remedy=remedy)
    reason = next(reason for kinds, reason in _REASONS if isinstance(error, kinds))
    return InputRejected(f"damaged debug information: {reason}").placed(elf.path, elf.unit)


MOST_FUNCTIONS = 4096
"""How many functions a part may hold; a type without any counts as one."""


def _iter_packages(
    contents: Iterator[tuple[str, str, Iterator[Scope]]], agent_version: str
) -> Generator[Package]:
    for name, language, children in contents:
        yield from iter_parts(name, language, children, agent_version)


def iter_parts(
    name: str, language: str, children: Iterator[Scope], agent_version: str
) -> Iterator[Package]:
    """Yield a package as one part or several; as none if there is no child.

    All parts but the first are marked as continuation.
    """
    continuation = False
    while (first := next(children, None)) is not None:
        part = _iter_part(chain((first,), children))
        del first
        specifics = LanguageSpecifics(agent_version=agent_version, continuation=continuation)
        empty = specifics == LanguageSpecifics()
        yield Package(package_scope(name, None if empty else specifics), language, part)
        for _ in part:
            pass  # a consumer may leave a part early; the next one begins where this one ends
        continuation = True


def _iter_part(children: Iterator[Scope]) -> Iterator[Scope]:
    """Yield children until they hold as many functions as one part may have."""
    functions = 0
    for child in children:
        functions += max(count_functions(child), 1)
        yield child
        del child
        if functions >= MOST_FUNCTIONS:
            return
