"""Types are spelled as their language spells them, whatever they are put together of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile

from harness.config import Limits, SymbolOptions
from harness.model import Scope
from harness.symbols import open_packages
from harness.symbols.native.context import FULL
from harness.symbols.native.typenames import (
    CUT,
    Declarator,
    array_of,
    function_of,
    pointer_to,
    qualified,
)
from harness.tests.symbols.binaries import FIXTURES

C, CPP = FIXTURES / "c" / "declarators.so", FIXTURES / "cpp" / "declarators.so"
RUST = FIXTURES / "rust" / "dwarf5.so"

# As the source has them, and as llvm-dwarfdump prints those that it knows.
SPELLINGS = {
    (C, "declare"): {
        "words": "const char *const *",
        "end": "char *const *restrict",
        "both": "const volatile int *",
        "call": "int (*const)(int)",
        "maker": "int (*(*)(int))(char)",
        "handlers": "handler *",
        "row": "int (*)[5]",
        "rows": "int (*(*)[5])()",
        "text": "char *(*)(void *, ...)",
        "grid": "int (*)[3]",
        "packet": "packet *",
        "where": "const point *",
        "still": "fixed *",
        "half": "halves *",
        "paint": "colour",
        "left": "alias *",
        "right": "again *",
        "list": "char *const[3]",
    },
    (CPP, "declare"): {
        "field": "int outer::base::*",
        "constant": "int (outer::base::*)(int) const",
        "method": "int (outer::base::*)(int, char *)",
        "array": "int (&)[3]",
        "function": "void (&)(int)",
        "pointer": "int (*)[4]",
        "reference": "char *&",
        "temporary": "int &&",
        "rows": "const outer::base *const *",
        "members": "char *outer::base::*const *",
        "range": "outer::interval",
        "either": "outer::variant *",
    },
}


def children(path: Path, limits: Limits | None = None) -> tuple[list[Scope], dict[str, int]]:
    with open_packages(str(path), SymbolOptions(limits=limits or Limits())) as source:
        found = [child for package in source.packages for child in package.children]
    return found, source.skipped


def types_in(scopes: list[Scope], name: str) -> dict[str, str]:
    (found,) = [scope for scope in scopes if scope.name == name]
    return {symbol.name: symbol.type for symbol in found.symbols}


@pytest.mark.parametrize("place", SPELLINGS, ids=lambda place: place[0].parent.name)
def test_arguments_have_their_types_as_the_source_spells_them(place: tuple[Path, str]) -> None:
    path, function = place
    assert types_in(children(path)[0], function) == SPELLINGS[place]


def test_members_have_their_types_as_the_source_spells_them() -> None:
    packet = types_in(children(C)[0], "packet")
    assert packet["unnamed"] == "const (anonymous struct) *"
    assert packet["table"] == "int (*[4])(int)"
    assert packet["names"] == "const char[2][8]"
    assert packet["rest"] == "char[]"


def test_an_array_of_rust_is_spelled_as_rust_spells_it() -> None:
    types = {s.type for scope in children(RUST)[0] for s in scope.symbols}
    assert "[core::option::Option<&ledger::money::Amount>; 2]" in types


def test_parentheses_in_a_name_are_part_of_the_name() -> None:
    pair = Declarator("(u8, (u8, u8))")
    assert pointer_to(pair, "*").text() == "(u8, (u8, u8)) *"
    assert array_of(pair, "[3]").text() == "(u8, (u8, u8))[3]"
    assert function_of(pair, "int").text() == "(u8, (u8, u8)) (int)"


@pytest.mark.parametrize("mark", ["&", "&&"])
def test_a_reference_is_never_qualified(mark: str) -> None:
    """Old GCC says `const T & const` of a member that a lambda captures."""
    constant = qualified(Declarator("T"), "const")
    assert qualified(pointer_to(constant, mark), "const").text() == f"const T {mark}"


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_an_array_whose_size_is_known_at_run_time_has_no_size(compiler: str) -> None:
    """One compiler gives an expression for it, the other refers to a variable."""
    types = types_in(children(C.with_name(f"vla-{compiler}.so"))[0], "fill")
    wanted = {"row": "int[]", "grid": "int[][3]", "fixed": "int[4]", "rows": "int (*)[]"}
    assert {name: types[name] for name in wanted} == wanted


def test_a_function_type_that_takes_itself_ends_at_once(tmp_path: Path) -> None:
    looped = tmp_path / "looped.so"
    looped.write_bytes(_let_functions_take_themselves(C))
    types = types_in(children(looped)[0], "declare")
    assert types["maker"] == "int (*(*)(?))(?)"


def _let_functions_take_themselves(path: Path) -> bytes:
    """Return the binary with the type of each parameter of a function type set to that type."""
    content = bytearray(path.read_bytes())
    with path.open("rb") as file:
        elf = ELFFile(file)
        section = elf.get_section_by_name(".debug_info")
        assert section is not None
        for die in _iter_function_types(elf):
            for parameter in die.iter_children():
                if "DW_AT_type" not in parameter.attributes:
                    continue  # `...`
                at = section["sh_offset"] + parameter.attributes["DW_AT_type"].offset
                content[at : at + 4] = die.offset.to_bytes(4, "little")
    return bytes(content)


def _iter_function_types(elf: ELFFile) -> Iterator[DIE]:
    for unit in elf.get_dwarf_info().iter_CUs():
        yield from (die for die in unit.iter_DIEs() if die.tag == "DW_TAG_subroutine_type")


def test_a_type_beyond_the_limit_is_cut_and_counted() -> None:
    scopes, skipped = children(C, Limits(type_name_chars=12))
    types = types_in(scopes, "declare")
    assert types["packet"] == "packet *"
    assert max(map(len, types.values())) == 12
    assert skipped[CUT] > 0


@pytest.mark.parametrize("path", [C, CPP, RUST], ids=lambda path: path.parent.name)
def test_symbols_beyond_the_limit_of_text_are_left_out_and_counted(path: Path) -> None:
    whole, _ = children(path)
    scopes, skipped = children(path, Limits(scope_chars=40))
    assert [scope.name for scope in scopes] == [scope.name for scope in whole]
    assert all(sum(len(s.name) + len(s.type) for s in scope.symbols) <= 40 for scope in scopes)
    assert skipped[FULL] > 0
