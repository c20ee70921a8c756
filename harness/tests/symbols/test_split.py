"""Units whose entries are not in the binary: in files of their own, or in a package of them."""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from harness.config import SymbolOptions
from harness.errors import InputRejected
from harness.symbols import census_of, open_packages
from harness.symbols.companions import companions_of
from harness.tests.symbols.binaries import FIXTURES, drain_file, scopes_of

ELSEWHERE = FIXTURES / "elsewhere"
WHOLE = FIXTURES / "c" / "dwarf5.so"
SKELETON = "skeleton unit without its split file"


def copied(name: str, folder: Path, *others: str) -> Path:
    """Copy a binary and other files beside it."""
    folder.mkdir(exist_ok=True)
    for one in (name, *others):
        shutil.copy(ELSEWHERE / one, folder / one)
    return folder / name


@pytest.mark.parametrize("name", ["split-5.so", "packed-4.so"])
def test_a_split_program_is_the_program(name: str) -> None:
    table = "/fixture/table.c"
    assert scopes_of(ELSEWHERE / name) == {table: scopes_of(WHOLE)[table]}


def test_a_package_of_dwarf_5_has_lists_and_strings_of_its_units() -> None:
    with open_packages(str(ELSEWHERE / "packed-5.so")) as source:
        census = census_of(source)
    with open_packages(str(WHOLE)) as source:
        whole = census_of(source)
    assert (census.language, census.types, census.fields) == ("c", whole.types, whole.fields)
    for scopes in scopes_of(ELSEWHERE / "packed-5.so").values():
        functions = [scope for scope in scopes if scope.scope_type == "function"]
        arguments = [symbol for scope in functions for symbol in scope.symbols]
        assert all(scope.injectible_lines for scope in functions)
        assert any(symbol.language_specifics for symbol in arguments)


def test_a_split_file_is_looked_for_in_debug_directories(tmp_path: Path) -> None:
    binary = copied("split-5.so", tmp_path / "bin")
    debug = copied("table.dwo", tmp_path / "debug").parent
    with pytest.raises(InputRejected, match=r"1 x skeleton unit .*\(--debug-dir\)"):
        drain_file(binary)
    with open_packages(str(binary), SymbolOptions(debug_dirs=(str(debug),))) as source:
        assert [package.scope.name for package in source.packages] == ["/fixture/table.c"]
    assert source.language == "c"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("split-5.so", "table.dwo"),
        ("packed-4.so", "packed-4.so.dwp"),
        ("shared-4.so", "shared-4.debug"),
        ("shared-5.so", "shared-5.debug"),
    ],
)
def test_the_companions_of_a_binary_are_the_files_beside_it_as_they_are_now(
    name: str, other: str, tmp_path: Path
) -> None:
    binary, options = copied(name, tmp_path), SymbolOptions()
    missing = companions_of(str(binary), options)
    beside = copied(other, tmp_path)
    there = companions_of(str(binary), options)
    assert (missing, [path for path, _, _ in there]) == ([], [str(beside)])
    beside.write_bytes(beside.read_bytes() + b"\0")
    assert companions_of(str(binary), options) != there


def test_a_whole_binary_and_a_damaged_one_have_no_companions(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.write_bytes(WHOLE.read_bytes()[:2000])
    for path in (WHOLE, ELSEWHERE / "archive.a", damaged, tmp_path / "absent"):
        assert companions_of(str(path), SymbolOptions()) == []


def test_what_is_not_found_is_counted_beside_what_is(tmp_path: Path) -> None:
    binary = copied("packed-5.so", tmp_path, "packed-5.so.dwp")
    content = (ELSEWHERE / "packed-5.so.dwp").read_bytes()
    index = ELFFile(BytesIO(content)).get_section_by_name(".debug_cu_index")
    assert index is not None
    number = next(filter(None, (index.data()[at : at + 8].strip(b"\0") for at in range(16, 48, 8))))
    (tmp_path / "packed-5.so.dwp").write_bytes(content.replace(number, number[::-1], 1))
    with open_packages(str(binary)) as source:
        assert len([package.scope.name for package in source.packages]) == 1
    assert source.skipped[SKELETON] == 1


def test_a_split_file_of_another_build_is_not_read(tmp_path: Path) -> None:
    binary = copied("split-5.so", tmp_path)
    content = bytearray((ELSEWHERE / "table.dwo").read_bytes())
    info = ELFFile(BytesIO(content)).get_section_by_name(".debug_info.dwo")
    assert info is not None
    content[info["sh_offset"] + 12] ^= 1  # of its number
    (tmp_path / "table.dwo").write_bytes(content)
    shutil.copy(ELSEWHERE / "packed-4.so.dwp", tmp_path / "split-5.so.dwp")
    with pytest.raises(InputRejected, match="1 x skeleton unit"):
        drain_file(binary)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("split-5.so", "table.dwo"),
        ("packed-4.so", "packed-4.so.dwp"),
        ("packed-5.so", "packed-5.so.dwp"),
    ],
)
def test_damage_to_a_split_file_is_rejected_or_survived(
    tmp_path: Path, name: str, other: str
) -> None:
    binary, dice = copied(name, tmp_path), random.Random(name)
    content = (ELSEWHERE / other).read_bytes()
    for _ in range(60):
        mutant = bytearray(content)
        for _ in range(4):
            mutant[dice.randrange(len(mutant))] = dice.randrange(256)
        (tmp_path / other).write_bytes(mutant)
        with suppress(InputRejected):
            drain_file(binary)


def test_an_index_that_is_none_is_told(tmp_path: Path) -> None:
    binary = copied("packed-4.so", tmp_path)
    content = bytearray((ELSEWHERE / "packed-4.so.dwp").read_bytes())
    index = ELFFile(BytesIO(content)).get_section_by_name(".debug_cu_index")
    assert index is not None
    content[index["sh_offset"]] = 9
    (tmp_path / "packed-4.so.dwp").write_bytes(content)
    with pytest.raises(InputRejected, match=r"\.dwp: \.debug_cu_index\+0x0: no index of a package"):
        drain_file(binary)
