"""How far extraction agrees with an independent walk by pyelftools, over binaries of one's choice.

    python -m harness.tests.symbols.agreement FILE_OR_FOLDER ... [--functions 200] [--seed 1]

Of each C, C++ and Rust binary, functions with code of their own are drawn at random. What
pyelftools finds of each is worked out here from entries and line rows, by the rules that
DECISIONS.md states and without any of the extraction's code, and compared field by field.
"""

from __future__ import annotations

import argparse
import posixpath
import random
from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from elftools.common.exceptions import ELFParseError
from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.dwarf.ranges import BaseAddressEntry
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from harness.errors import InputRejected
from harness.model import Scope, Symbol
from harness.symbols import open_packages

FIELDS = ("name", "file", "lines", "parameters", "locals", "types")
_LANGUAGES = {0x01, 0x02, 0x0C, 0x1D, 0x2C, 0x04, 0x1A, 0x21, 0x2A, 0x2B, 0x1C}
_DEREFERENCED = {"pointer", "const", "volatile", "restrict", "reference", "rvalue_reference"}


class Function(NamedTuple):
    """What is compared of one function; types are the named ones that its parameters lead to."""

    name: str
    file: str
    lines: frozenset[int]
    parameters: tuple[str, ...]
    locals: tuple[str, ...]
    types: tuple[str, ...]


def text_of(die: DIE, name: str) -> str:
    """Return a text of an entry or of what it refers to; none if it is in another file."""
    for _ in range(16):
        if (found := die.attributes.get(f"DW_AT_{name}")) is not None:
            value = found.value
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
        link = next((at for at in ("abstract_origin", "specification") if _has(die, at)), "")
        if not link:
            break
        die = die.get_DIE_from_attribute(f"DW_AT_{link}")
    return ""


def _has(die: DIE, name: str) -> bool:
    return f"DW_AT_{name}" in die.attributes


def _named_type(die: DIE) -> str:
    """Return the name at the end of a chain of pointers and qualifiers; ? for other types."""
    for _ in range(32):
        if not _has(die, "type"):
            return "void"
        die = die.get_DIE_from_attribute("DW_AT_type")
        if _has(die, "name"):
            return text_of(die, "name")
        if str(die.tag).removeprefix("DW_TAG_").removesuffix("_type") not in _DEREFERENCED:
            break
    return "?"


class Unit:
    """One compilation unit as pyelftools reads it."""

    def __init__(self, dwarf: DWARFInfo, unit: CompileUnit, code: list[range]) -> None:
        self.dwarf, self.unit, self.top = dwarf, unit, unit.get_top_DIE()
        self.code = code
        self.directory = text_of(self.top, "comp_dir")
        program = dwarf.line_program_for_CU(unit)
        self.header = program.header if program else None
        self.first = 0 if self.header and self.header["version"] >= 5 else 1
        states = (entry.state for entry in program.get_entries()) if program else ()
        rows = (
            (state.address, state.line & 0xFFFF_FFFF, state.file)
            for state in states
            if state and state.is_stmt and state.line and not state.end_sequence
        )
        self.rows = sorted(rows, key=itemgetter(0))  # those of one address as the table has them

    def path(self, number: int) -> str:
        """Return the path of a file by its number."""
        if not self.header or not 0 <= number - self.first < len(self.header["file_entry"]):
            return ""
        entry = self.header["file_entry"][number - self.first]
        index = entry["dir_index"] - self.first
        folders = self.header["include_directory"]
        folder = folders[index].decode() if 0 <= index < len(folders) else ""
        name = entry["name"].decode("utf-8", "replace")
        return posixpath.normpath(posixpath.join(self.directory, folder, name))

    def ranges(self, die: DIE) -> list[tuple[int, int]]:
        """Return the code of an entry, as far as a section of code holds it."""
        return [one for one in self._ranges(die) if any(one[0] in where for where in self.code)]

    def _ranges(self, die: DIE) -> list[tuple[int, int]]:
        if _has(die, "ranges"):
            return self._listed(die)
        if not _has(die, "low_pc"):
            return []
        low, high = die.attributes["DW_AT_low_pc"].value, die.attributes.get("DW_AT_high_pc")
        if high is None:
            return []
        end = high.value if high.form == "DW_FORM_addr" else low + high.value
        return [(low, end)] if end > low else []

    def _listed(self, die: DIE) -> list[tuple[int, int]]:
        base = self.top.attributes["DW_AT_low_pc"].value if _has(self.top, "low_pc") else 0
        found: list[tuple[int, int]] = []
        offset = die.attributes["DW_AT_ranges"].value
        lists: Any = self.dwarf.range_lists()
        for entry in lists.get_range_list_at_offset(offset, cu=self.unit):
            if isinstance(entry, BaseAddressEntry):
                base = entry.base_address
                continue
            start = 0 if getattr(entry, "is_absolute", False) else base
            if entry.end_offset > entry.begin_offset:
                found.append((start + entry.begin_offset, start + entry.end_offset))
        return found


class Body:
    """What stands in a function, but for what is inlined into it."""

    def __init__(self, unit: Unit, die: DIE) -> None:
        self._unit = unit
        self.holes: list[tuple[int, int]] = []
        self.calls: list[tuple[int, int, int]] = []
        self.parameters: list[DIE] = []
        self.locals: list[str] = []
        self._add(die)

    def _add(self, die: DIE) -> None:
        for child in die.iter_children():
            if child.tag == "DW_TAG_formal_parameter":
                self.parameters.append(child)
            elif child.tag == "DW_TAG_variable" and not _has(child, "declaration"):
                self.locals.append(text_of(child, "name"))
            elif child.tag == "DW_TAG_lexical_block" and self._unit.ranges(child):
                self._add(child)
            elif child.tag == "DW_TAG_inlined_subroutine":
                self._add_instance(child)

    def _add_instance(self, die: DIE) -> None:
        ranges = self._unit.ranges(die)
        self.holes += ranges
        if ranges and _has(die, "call_line") and die.attributes["DW_AT_call_line"].value:
            file = die.attributes["DW_AT_call_file"].value if _has(die, "call_file") else -1
            self.calls.append((ranges[0][0], die.attributes["DW_AT_call_line"].value, file))


def read(unit: Unit, die: DIE) -> Function:
    """Return what an independent reader says of a function."""
    body, declared = Body(unit, die), _declaration(die)
    here, home = unit, declared.cu
    if isinstance(home, CompileUnit) and home is not unit.unit:
        here = Unit(unit.dwarf, home, unit.code)
    file = here.path(declared.attributes["DW_AT_decl_file"].value) if _has_file(declared) else ""
    own = [
        (address, line, row)
        for address, line, row in unit.rows
        if any(low <= address < high for low, high in unit.ranges(die))
        and not any(low <= address < high for low, high in body.holes)
    ]
    if not file and own:
        file = unit.path(own[0][2])
    lines = {line for _, line, row in [*own, *body.calls] if unit.path(row) == file}
    named = [one for one in body.parameters if text_of(one, "name")]
    return Function(
        text_of(die, "name"),
        file,
        frozenset(lines),
        tuple(text_of(one, "name") for one in named),
        tuple(sorted(filter(None, body.locals))),
        tuple(_named_type(one) for one in named),
    )


def _declaration(die: DIE) -> DIE:
    """Return the entry that says the file of a function, which may be one of another unit."""
    for _ in range(16):
        if _has_file(die) or not _has(die, "specification"):
            break
        die = die.get_DIE_from_attribute("DW_AT_specification")
    return die


def _has_file(die: DIE) -> bool:
    return _has(die, "decl_file") and bool(die.attributes["DW_AT_decl_file"].value)


def extracted(path: str) -> dict[tuple[str, str], list[Scope]]:
    """Return the functions of a binary by package and linkage name, or name."""
    found: dict[tuple[str, str], list[Scope]] = {}
    with open_packages(path) as source:
        for package in source.packages:
            for scope in package.children:
                if scope.scope_type in ("function", "method") and scope.language_specifics:
                    key = scope.language_specifics.linkage_name or scope.name
                    found.setdefault((package.scope.name, key), []).append(scope)
    return found


def iter_symbols(scope: Scope, kind: str) -> Iterator[Symbol]:
    """Yield the symbols of one kind in a function, its blocks included."""
    yield from (one for one in scope.symbols if one.symbol_type == kind)
    for child in scope.scopes:
        yield from iter_symbols(child, kind)


def differing(scope: Scope, right: Function) -> list[str]:
    """Return the fields in which extraction says something else."""
    arguments = [one for one in scope.symbols if one.symbol_type == "arg"]
    lines = {line for one in scope.injectible_lines for line in range(one.start, one.end + 1)}
    same = {
        "name": scope.name == right.name,
        "file": scope.source_file == right.file,
        "lines": lines == right.lines,
        "parameters": tuple(one.name for one in arguments) == right.parameters,
        "locals": tuple(sorted(one.name for one in iter_symbols(scope, "local"))) == right.locals,
        "types": len(arguments) == len(right.types)
        and all(
            name == "?" or name in one.type
            for one, name in zip(arguments, right.types, strict=True)
        ),
    }
    return [field for field, agrees in same.items() if not agrees]


def candidates(dwarf: DWARFInfo) -> Iterator[tuple[CompileUnit, DIE]]:
    """Yield the functions with code of their own, outside of functions."""
    for unit in dwarf.iter_CUs():
        top = unit.get_top_DIE()
        language = top.attributes.get("DW_AT_language")
        if top.tag == "DW_TAG_compile_unit" and language and language.value in _LANGUAGES:
            for die in unit.iter_DIEs():
                code = _has(die, "low_pc") or _has(die, "ranges")
                if die.tag == "DW_TAG_subprogram" and code and not _has(die, "abstract_origin"):
                    yield unit, die


def code_of(elf: ELFFile) -> list[range]:
    """Return where a file has code."""
    return [
        range(one["sh_addr"], one["sh_addr"] + one["sh_size"])
        for one in elf.iter_sections()
        if one["sh_flags"] & SH_FLAGS.SHF_EXECINSTR
    ]


def key_of(unit: Unit, die: DIE) -> tuple[str, str]:
    """Return by what package and name a function is known."""
    name = text_of(unit.top, "name").partition("/@/")[0]
    is_rust = unit.top.attributes["DW_AT_language"].value == 0x1C
    package = name if is_rust else posixpath.normpath(posixpath.join(unit.directory, name))
    return package, text_of(die, "linkage_name") or text_of(die, "name")


def compare(path: Path, functions: int, chance: random.Random) -> tuple[int, Counter[str]]:
    """Return how many functions of a binary were compared, and how many differ by field."""
    wrong: Counter[str] = Counter()
    ours = extracted(str(path))
    compared = 0
    with path.open("rb") as file:
        elf = ELFFile(file)
        dwarf = elf.get_dwarf_info()
        code = code_of(elf)
        found = list(candidates(dwarf))
        units: dict[int, Unit] = {}
        drawn = chance.sample(found, min(functions, len(found)))
        for unit, die in sorted(drawn, key=lambda one: int(one[1].offset)):
            if unit.cu_offset not in units:
                units = {unit.cu_offset: Unit(dwarf, unit, code)}
            here = units[unit.cu_offset]
            package, key = key_of(here, die)
            scopes = ours.get((package, key), [])
            # What the compiler makes up has a linkage name alone, and extraction counts it.
            if len(scopes) > 1 or not here.ranges(die) or not text_of(die, "name"):
                continue
            compared += 1
            fields = differing(scopes[0], read(here, die)) if scopes else ["absent"]
            wrong.update(fields)
            wrong["any"] += bool(fields)
            for field in fields[:1]:
                _show(path, key, field, read(here, die))
    return compared, wrong


def _show(path: Path, key: str, field: str, right: Function) -> None:
    print(f"  {path.name} {key}: {field}: {getattr(right, field, right.name)!r}"[:200])


def iter_files(paths: list[str]) -> Iterator[Path]:
    """Yield the ELF files among paths and in folders."""
    for path in map(Path, paths):
        for one in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if one.is_file() and one.open("rb").read(4) == b"\x7fELF":
                yield one


def main() -> None:
    """Compare, and print the percentage by field."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--functions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    chosen: Any = parser.parse_args()
    total, wrong, binaries = 0, Counter[str](), 0
    for path in iter_files(chosen.paths):
        try:
            compared, differ = compare(path, chosen.functions, random.Random(chosen.seed))
        except (InputRejected, ELFParseError) as error:  # one of both readers cannot read it
            print(f"  {path.name}: {error}")
            continue
        binaries += bool(compared)
        total += compared
        wrong += differ
    print(f"{total:,} functions of {binaries} binaries")
    for field in (*FIELDS, "absent", "any"):
        print(f"{field:>12} {100 * (1 - wrong[field] / max(total, 1)):6.2f} % agree")


if __name__ == "__main__":
    main()
