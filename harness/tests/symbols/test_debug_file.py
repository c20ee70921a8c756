"""A stripped binary is read through its debug file, wherever that is, if it is its own."""

from __future__ import annotations

import shutil
import zlib
from pathlib import Path

import pytest

from harness.config import SymbolOptions
from harness.errors import InputRejected
from harness.symbols import open_packages
from harness.symbols.debugfile import find_debug_file
from harness.symbols.elf import ElfFile
from harness.tests.symbols.binaries import FIXTURES, scopes_of
from harness.tests.symbols.go.elf_writer import write_elf

WHOLE = FIXTURES / "c" / "dwarf5.so"
CHECKSUM = zlib.crc32(WHOLE.read_bytes())


def stripped(path: Path, checksum: int = CHECKSUM, name: bytes = b"whole.debug") -> Path:
    """Write a binary without debugging information that names `whole.debug`."""
    link = (name + b"\0").ljust(len(name) + 4 & ~3, b"\0") + checksum.to_bytes(4, "little")
    note = b"".join(number.to_bytes(4, "little") for number in (4, 4, 3)) + b"GNU\0\xab\xcd\xef\x01"
    sections = [(".note.gnu.build-id", 0x100, note), (".gnu_debuglink", 0, link)]
    return write_elf(path, sections)


@pytest.mark.parametrize("folder", [".", ".debug"])
def test_a_debug_file_is_read_beside_the_binary(tmp_path: Path, folder: str) -> None:
    binary = stripped(tmp_path / "binary")
    (tmp_path / folder).mkdir(exist_ok=True)
    shutil.copy(WHOLE, tmp_path / folder / "whole.debug")
    assert scopes_of(binary) == scopes_of(WHOLE)


def test_a_debug_file_is_found_under_the_debug_directory(tmp_path: Path) -> None:
    directory = tmp_path / "debug"
    by_id = directory / ".build-id" / "ab" / "cdef01.debug"
    by_name = Path(f"{directory}{tmp_path.resolve()}") / "whole.debug"
    with ElfFile(str(stripped(tmp_path / "binary"))) as elf:
        for path in (directory / "whole.debug", by_name, by_id):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(WHOLE, path)
            assert find_debug_file(elf, ["nowhere", str(directory)]) == str(path)
            assert find_debug_file(elf) == ""


def test_a_debug_directory_of_the_user_is_looked_into(tmp_path: Path) -> None:
    path = tmp_path / "debug" / ".build-id" / "ab" / "cdef01.debug"
    path.parent.mkdir(parents=True)
    shutil.copy(WHOLE, path)
    options = SymbolOptions(debug_dirs=(str(tmp_path / "debug"),))
    assert scopes_of(stripped(tmp_path / "binary"), options) == scopes_of(WHOLE)


@pytest.mark.parametrize(
    ("checksum", "name"),
    [(CHECKSUM ^ 1, b"whole.debug"), (CHECKSUM, b"../whole.debug"), (CHECKSUM, b"binary")],
    ids=["of another build", "out of the folder", "itself"],
)
def test_a_file_that_is_not_its_debug_file_is_not_read(
    tmp_path: Path, checksum: int, name: bytes
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for place in (tmp_path, folder):
        shutil.copy(WHOLE, place / "whole.debug")
    binary = stripped(folder / "binary", checksum, name)
    with (
        pytest.raises(
            InputRejected,
            match=r"no DWARF.*put its debug file beside it.*debuginfod-find debuginfo abcdef01`",
        ),
        open_packages(str(binary)),
    ):
        pass


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\xcf\xfa\xed\xfe", "not an ELF file: a Mach-O file — copy the DWARF of its dSYM"),
        (b"MZ\x90", "a PE file — convert it with `objcopy"),
        (b"\x64\x86\7", "a COFF object file — link it"),
        (b"\0asm\1", "a WebAssembly module — copy its DWARF into an ELF file"),
        (b"\x28\xb5\x2f\xfd", "compressed by zstd — unpack it with `zstd -d`"),
        (b"#!/bin/sh", "not an ELF file — name a compiled binary"),
    ],
)
def test_a_file_of_another_format_is_called_by_its_name(
    tmp_path: Path, start: bytes, said: str
) -> None:
    (tmp_path / "file").write_bytes(start.ljust(100, b"\0"))
    with pytest.raises(InputRejected) as caught, open_packages(str(tmp_path / "file")):
        pass
    assert said in str(caught.value)


def test_a_go_program_without_debugging_information_is_not_to_be_built_with_g(
    tmp_path: Path,
) -> None:
    path = write_elf(tmp_path / "program", [(".gopclntab", 0x1000, bytes(16))])
    with pytest.raises(InputRejected, match="without -ldflags=-w"), open_packages(str(path)):
        pass
