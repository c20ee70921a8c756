"""What is said of a binary that cannot be read: the place, and one plain sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.config import Limits, SymbolOptions
from harness.errors import InputRejected
from harness.tests.symbols.binaries import FIXTURES, drain_file

C = FIXTURES / "c" / "dwarf5.so"


def patched(at: int, octets: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:at] + octets + content[at + len(octets) :]


def headers_at(content: bytes) -> int:
    return int.from_bytes(content[40:48], "little")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[:10], "file+0xa: the file ends inside its ELF header"),
        (lambda content: content[:40], "file+0x28: the file ends inside its ELF header"),
        (patched(4, b"\7"), "file+0x4: ELF class 7 is neither 32 nor 64 bits"),
        (patched(5, b"\7"), "file+0x5: byte order 7 is neither little nor big endian"),
        (lambda content: content[: headers_at(content) + 100], "inside its 25 section headers"),
        (lambda content: content[: headers_at(content)], "inside its section headers, which begin"),
        (patched(58, b"\0\0"), "its section headers have 0 bytes each, 64 are needed"),
        (patched(62, b"\xfe\0"), "the names of its 25 sections are in number 254"),
    ],
    ids=["ident", "header", "class", "order", "headers", "first header", "entry", "names"],
)
def test_a_damaged_elf_header_is_told_in_plain_words(
    tmp_path: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    mutant = tmp_path / "mutant.so"
    mutant.write_bytes(damage(C.read_bytes()))
    with pytest.raises(InputRejected) as caught:
        drain_file(mutant)
    assert said in str(caught.value)
    assert caught.value.file == str(mutant)


def test_a_mistake_of_ours_is_not_taken_for_damage() -> None:
    """A limit that is no number stands for any mistake in how values are used."""
    limits = Limits(depth="deep")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError):
        drain_file(C, SymbolOptions(limits=limits))
