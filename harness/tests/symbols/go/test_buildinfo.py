"""Build information in both formats, both byte orders, both pointer sizes, and damaged."""

import itertools
from pathlib import Path
from typing import Literal

import pytest

from harness.errors import InputRejected
from harness.symbols.elf import ElfFile
from harness.symbols.go.buildinfo import read_main_module
from harness.tests.symbols.crafted import uleb
from harness.tests.symbols.go.elf_writer import write_elf

MAGIC = b"\xff Go buildinf:"
VERSION = b"go1.25.0"
MODULE = b"path\texample.com/demo/cmd\nmod\texample.com/demo\tv1.2.3\th1:x\ndep\tother\tv0\n"
FRAMED = bytes(16) + MODULE + bytes(16)
EXPECTED = "example.com/demo"
ADDRESS = 0x4000
Order = Literal["little", "big"]


def inline(version: bytes = VERSION, module: bytes = FRAMED) -> bytes:
    head = MAGIC + bytes([0, 2]) + bytes(16)
    return head + uleb(len(version)) + version + uleb(len(module)) + module


def pointers(order: Order, size: int) -> bytes:
    def word(number: int) -> bytes:
        return number.to_bytes(size, order)

    headers_at = ADDRESS + 32
    text_at = headers_at + 4 * size
    header = (
        MAGIC + bytes([size, int(order == "big")]) + word(headers_at) + word(headers_at + 2 * size)
    )
    strings = word(text_at) + word(len(VERSION)) + word(text_at + len(VERSION)) + word(len(FRAMED))
    return header.ljust(32, b"\0") + strings + VERSION + FRAMED


def info(path: Path, section: str, content: bytes, order: str = "little", bits: int = 64) -> str:
    write_elf(
        path, [(".text", 0x1000, b"\xc3"), (section, ADDRESS, content)], order=order, bits=bits
    )
    with ElfFile(str(path)) as elf:
        return read_main_module(elf)


ORDERS: tuple[Order, ...] = ("little", "big")


@pytest.mark.parametrize(("order", "bits"), list(itertools.product(ORDERS, (32, 64))))
def test_pointed_strings_are_followed(tmp_path: Path, order: Order, bits: int) -> None:
    content = pointers(order, bits // 8)
    assert info(tmp_path / "a", ".go.buildinfo", content, order, bits) == EXPECTED


@pytest.mark.parametrize(
    ("section", "content", "module"),
    [
        (".go.buildinfo", inline(), EXPECTED),
        (".data", inline(), EXPECTED),
        (".data", b"1234567" + MAGIC + bytes(11) + inline(), EXPECTED),
        (".go.buildinfo", inline(module=MODULE), ""),
        (".go.buildinfo", inline(module=bytes(16) + b"path\tcommand\n" + bytes(16)), ""),
    ],
    ids=["section", "data", "behind an unaligned magic", "no markers", "no module"],
)
def test_inline_strings_are_read_from_either_place(
    tmp_path: Path, section: str, content: bytes, module: str
) -> None:
    assert info(tmp_path / "a", section, content) == module


@pytest.mark.parametrize(
    "content",
    [
        b"nothing",
        MAGIC,
        inline()[:40],
        inline(version=b""),
        MAGIC + bytes([8, 0]) + bytes(16),
        MAGIC + bytes([3, 0]) + bytes(16),
        MAGIC + bytes([8, 0]) + b"\xee" * 16,
        MAGIC + bytes([0, 2]) + bytes(16) + b"\xff" * 20,
    ],
    ids=["absent", "cut", "cut string", "no version", "null", "odd pointers", "wild", "varint"],
)
def test_damage_is_rejected(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputRejected):
        info(tmp_path / "a", ".go.buildinfo", content)
