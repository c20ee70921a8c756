"""Whatever a directory holds, it is listed once, with a reason when it cannot be measured."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus import CorpusBinary, inventory
from harness.corpus.inventory import _printable
from harness.errors import CorpusError
from harness.tests.corpus.conftest import ELF, OTHER_ELF, sha256


def by_name(binaries: list[CorpusBinary]) -> dict[str, tuple[str, str]]:
    return {binary.name: (binary.status, binary.detail) for binary in binaries}


def test_a_directory_is_listed_smallest_first_with_digests(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "large.so").write_bytes(max(ELF, OTHER_ELF, key=len))
    (tmp_path / "small").write_bytes(min(ELF, OTHER_ELF, key=len))
    found = inventory(tmp_path)
    assert [binary.name for binary in found] == ["small", "sub/large.so"]
    assert [binary.sha256 for binary in found] == [
        sha256(binary.path.read_bytes()) for binary in found
    ]
    assert all(binary.is_elf for binary in found)


def test_a_single_file_is_listed_alone(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(ELF)
    (tmp_path / "two").write_bytes(ELF)
    assert by_name(inventory(tmp_path / "one")) == {"one": ("ok", "")}


def test_what_is_not_elf_is_listed_not_dropped(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "zeros.so").write_bytes(bytes(9))
    (tmp_path / "lfs.so").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    (tmp_path / "latin-1").write_bytes(b"caf\xe9 ole")
    (tmp_path / "cut").write_text("x" + "\N{EURO SIGN}" * 4000)
    assert by_name(inventory(tmp_path)) == {
        "cut": ("text", "not an ELF file"),
        "empty": ("not-elf", "not an ELF file"),
        "latin-1": ("not-elf", "not an ELF file"),
        "lfs.so": ("not-elf", "not an ELF file"),
        "notes.txt": ("text", "not an ELF file"),
        "zeros.so": ("not-elf", "not an ELF file"),
    }


def test_hidden_files_and_directories_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "hook").write_bytes(ELF)
    (tmp_path / ".hidden").write_bytes(ELF)
    assert inventory(tmp_path) == []


def test_symbolic_link_loops_end(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    (tmp_path / "sub" / "self").symlink_to("self")
    (tmp_path / "sub" / "lib.so").write_bytes(ELF)
    found = by_name(inventory(tmp_path))
    assert found["sub/lib.so"] == ("ok", "")
    assert found["sub/self"][0] == "unreadable"
    assert len(found) == 2


def test_a_file_with_two_names_is_measured_once(tmp_path: Path) -> None:
    (tmp_path / "lib.so.1").write_bytes(ELF)
    (tmp_path / "lib.so").symlink_to("lib.so.1")
    statuses = [binary.status for binary in inventory(tmp_path)]
    assert statuses == ["ok", "duplicate"]


def test_what_cannot_be_opened_says_so_and_blocks_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to("nowhere")
    found = by_name(inventory(tmp_path))
    assert found["pipe"] == ("unreadable", "not a regular file")
    assert found["dangling"] == ("unreadable", "No such file or directory")


def test_hostile_names_are_escaped(tmp_path: Path) -> None:
    (tmp_path / "red\x1b[31m\n").write_bytes(ELF)
    (tmp_path / os.fsdecode(b"latin\xe9")).write_bytes(OTHER_ELF)
    found = by_name(inventory(tmp_path))
    assert found["red\\x1b[31m\\n"] == ("ok", "")
    assert found["latin\\xe9"][0] == "unreadable"


@given(st.binary(min_size=1), st.binary(min_size=1))
def test_distinct_names_stay_distinct_and_printable(one: bytes, other: bytes) -> None:
    shown, shown_other = _printable(os.fsdecode(one)), _printable(os.fsdecode(other))
    assert (shown == shown_other) == (one == other)
    assert shown.isprintable()


def test_what_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="No such file"):
        inventory(tmp_path / "absent")
