"""Object files, kernel modules and archives: debugging information that no linker has finished."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from harness.config import Limits, SymbolOptions
from harness.errors import InputRejected
from harness.symbols import census_of, open_packages
from harness.tests.symbols.binaries import FIXTURES, drain_file, scopes_of

ELSEWHERE = FIXTURES / "elsewhere"
LINKED = FIXTURES / "c" / "dwarf5.so"
ARCHIVE = ELSEWHERE / "archive.a"
NOT_ELF = "archive member that is no ELF file"


@pytest.mark.parametrize("name", ["module.ko", "archive.a"])
def test_what_was_never_linked_is_what_it_would_be_when_linked(name: str) -> None:
    assert scopes_of(ELSEWHERE / name) == scopes_of(LINKED)


MACHINES = ("aarch64", "i386", "mips", "mips64el", "powerpc", "riscv64")


@pytest.mark.parametrize("machine", MACHINES)
def test_an_object_file_of_another_machine_has_lines_and_places(machine: str) -> None:
    name, locals_on = f"{machine}.o", 12
    (scopes,) = scopes_of(ELSEWHERE / name).values()
    functions = [scope for scope in scopes if scope.scope_type == "function"]
    linked = scopes_of(FIXTURES / "c" / "unoptimised.so")["/fixture/table.c"]
    assert {scope.name for scope in functions} == {
        scope.name for scope in linked if scope.scope_type == "function"
    }
    assert all(scope.injectible_lines for scope in functions)
    places = [
        symbol for scope in functions for symbol in scope.symbols if symbol.language_specifics
    ]
    assert len(places) >= locals_on


@pytest.mark.parametrize("machine", ["mips", "mips64el", "powerpc", "riscv64"])
def test_relocations_of_each_machine_lead_to_the_same_lines_and_types(machine: str) -> None:
    def said(name: str) -> list[object]:
        return [
            (
                scope.name,
                scope.start_line,
                scope.injectible_lines[:1],
                [s.type for s in scope.symbols],
            )
            for scope in scopes_of(ELSEWHERE / name)["/fixture/table.c"]
            if scope.scope_type == "function"
        ]

    assert said(f"{machine}.o") == said("aarch64.o")


def thin_archive(path: Path, *members: str) -> Path:
    """Write an archive that has only the names of its members."""
    names = "".join(f"{name}/\n" for name in members)
    content = b"!<thin>\n" + header("//", len(names)) + names.encode() + b"\n" * (len(names) % 2)
    for name in members:
        size = (path.parent / name).stat().st_size if (path.parent / name).exists() else 7
        content += header(f"/{names.index(name)}", size)
    path.write_bytes(content)
    return path


def header(name: str, size: int) -> bytes:
    return f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{size:<10}`\n".encode()


def test_the_members_of_a_thin_archive_are_files(tmp_path: Path) -> None:
    shutil.copy(ELSEWHERE / "i386.o", tmp_path / "a_name_of_more_than_sixteen.o")
    path = thin_archive(tmp_path / "thin.a", "a_name_of_more_than_sixteen.o", "gone.o")
    with open_packages(str(path)) as source:
        census = census_of(source)
    assert census.packages == 1
    assert source.skipped["archive member that is not there"] == 1


def test_a_long_name_of_bsd_stands_before_the_member(tmp_path: Path) -> None:
    member, name = (
        (ELSEWHERE / "i386.o").read_bytes(),
        b"a_name_of_more_than_sixteen.o".ljust(32, b"\0"),
    )
    symbols = header("#1/12", 20) + b"__.SYMDEF\0\0\0" + bytes(8)
    path = tmp_path / "bsd.a"
    path.write_bytes(b"!<arch>\n" + symbols + header("#1/32", 32 + len(member)) + name + member)
    assert scopes_of(path) == scopes_of(ELSEWHERE / "i386.o")


def test_members_of_other_kinds_are_left_out_and_counted(tmp_path: Path) -> None:
    with open_packages(str(ARCHIVE)) as source:
        census_of(source)
    assert source.skipped[NOT_ELF] == 1
    bare, path = (FIXTURES / "c" / "stripped.so").read_bytes(), tmp_path / "bare.a"
    path.write_bytes(b"!<arch>\n" + header("bare.o/", len(bare)) + bare + bytes(len(bare) % 2)
                     + header("code.bc/", 4) + b"BC\xc0\xde")  # fmt: skip
    with pytest.raises(InputRejected) as caught:
        drain_file(path)
    assert f"{path}: nothing was extracted (left out: 1 x archive member without" in str(
        caught.value
    )
    assert "1 x archive member that is LLVM bitcode" in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[:100], "file+0x8: the file ends inside a member"),
        (lambda content: content[:40], "file+0x8: no header of a member where one should be"),
        (lambda content: content.replace(b"`\n", b"''"), "no header of a member"),
        (lambda content: content.replace(b"table.o/ ", b"#1/table "), "no header of a member"),
    ],
    ids=["member", "header", "end", "name"],
)
def test_a_damaged_archive_is_told_in_plain_words(
    tmp_path: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    path = tmp_path / "damaged.a"
    path.write_bytes(damage(ARCHIVE.read_bytes()))
    with pytest.raises(InputRejected) as caught:
        drain_file(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


def test_damage_to_a_member_names_it(tmp_path: Path) -> None:
    content, path = ARCHIVE.read_bytes(), tmp_path / "damaged.a"
    at = content.rindex(b"\x7fELF")
    path.write_bytes(content[: at + 4] + b"\x07" + content[at + 5 :])
    with pytest.raises(InputRejected, match=r"damaged\.a\(report\.o\): file\+0x4: ELF class 7"):
        drain_file(path)


def test_all_members_spend_from_one_budget() -> None:
    """As much as the same units take in one file, and more than one of them takes."""
    drain_file(ARCHIVE, SymbolOptions(limits=Limits(dies=53)))
    with pytest.raises(InputRejected, match="more than 52 entries"):
        drain_file(ARCHIVE, SymbolOptions(limits=Limits(dies=52)))


@pytest.mark.parametrize(
    ("offset", "octets", "said"),
    [
        (8, b"\x02", "relocation 0 is R_X86_64_PC32, which is not known"),
        (8, b"\xfe", "relocation 0 is type 254, which is not known"),
        (0, b"\xff\xff\xff", "relocation 0 is R_X86_64_32, out of the section"),
    ],
    ids=["named", "numbered", "beyond"],
)
def test_a_relocation_that_cannot_be_applied_is_named(
    tmp_path: Path, offset: int, octets: bytes, said: str
) -> None:
    content, path = bytearray((ELSEWHERE / "module.ko").read_bytes()), tmp_path / "module.ko"
    section = ELFFile(BytesIO(content)).get_section_by_name(".rela.debug_info")
    assert section is not None
    at = section["sh_offset"] + offset
    content[at : at + len(octets)] = octets
    path.write_bytes(content)
    with pytest.raises(InputRejected) as caught:
        drain_file(path)
    assert f".rela.debug_info: {said} — link it" in str(caught.value)


def test_relocations_of_another_machine_are_named(tmp_path: Path) -> None:
    content, path = bytearray((ELSEWHERE / "module.ko").read_bytes()), tmp_path / "module.ko"
    content[18:20] = b"\x2b\0"
    path.write_bytes(content)
    with pytest.raises(InputRejected, match="relocations of the machine SPARCV9 are not known"):
        drain_file(path)
