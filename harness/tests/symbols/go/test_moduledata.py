"""Module data is found by its first word, and believed only if its text bounds make sense."""

import struct
from pathlib import Path

import pytest

from harness.symbols.elf import ElfFile
from harness.symbols.go.image import Image, ModuleData, find_module_data
from harness.tests.symbols.go.elf_writer import write_elf

HEADER, TEXT, TEXT_END, FUNCTION_DATA = 0x9000, 0x1000, 0x2000, 0x9100


def record(prefix: str, word: str, gofunc_at: int, *, max_pc: int = TEXT_END) -> bytes:
    words = [0] * 60
    words[0] = HEADER
    words[20:24] = [TEXT, max_pc, TEXT, TEXT_END]
    words[gofunc_at] = FUNCTION_DATA
    return struct.pack(f"{prefix}60{word}", *words)


@pytest.mark.parametrize("gofunc_at", [38, 40, 41, 42, 43])
@pytest.mark.parametrize(
    ("order", "bits"), [("little", 64), ("big", 64), ("little", 32), ("big", 32)]
)
def test_text_and_function_data_are_found_in_every_layout(
    tmp_path: Path, order: str, bits: int, gofunc_at: int
) -> None:
    prefix, word = "<" if order == "little" else ">", "Q" if bits == 64 else "I"
    decoy = struct.pack(f"{prefix}8{word}", *[HEADER] * 8)
    content = decoy + record(prefix, word, gofunc_at)
    sections = [(".gopclntab", HEADER, bytes(0x200)), (".noptrdata", 0xA000, content)]
    path = write_elf(tmp_path / "a", sections, order=order, bits=bits)
    with ElfFile(str(path)) as elf:
        found = find_module_data(Image(elf), HEADER, elf.budget.check_time)
    assert found == ModuleData(TEXT, TEXT_END, (FUNCTION_DATA,))


@pytest.mark.parametrize("gofunc_at", [38, 40, 43])
@pytest.mark.parametrize("order", ["little", "big"])
def test_words_that_are_left_to_the_loader_are_found_in_the_relocations(
    tmp_path: Path, order: str, gofunc_at: int
) -> None:
    prefix = "<" if order == "little" else ">"
    place = 0xA020
    words = struct.unpack(f"{prefix}60Q", record(prefix, "Q", gofunc_at))
    # Something else points to the header too, and relocations come in no order.
    rows = [(0xB000, HEADER), *((place + 8 * i, word) for i, word in enumerate(words) if word)]
    rows += [(0xC000 + 8 * i, 0x1234) for i in range(3000)]
    relocations = b"".join(struct.pack(f"{prefix}QQQ", at, 8, value) for at, value in rows[::-1])
    sections = [
        (".gopclntab", HEADER, bytes(0x200)),
        (".noptrdata", 0xA000, bytes(0x400)),
        (".rela.dyn", 0x20000, relocations + b"cut off"),
    ]
    with ElfFile(str(write_elf(tmp_path / "a", sections, order=order))) as elf:
        assert find_module_data(Image(elf), HEADER, elf.budget.check_time) == ModuleData(
            TEXT, TEXT_END, (FUNCTION_DATA,)
        )


def test_bounds_that_contradict_each_other_are_not_module_data(tmp_path: Path) -> None:
    content = record("<", "Q", 40, max_pc=TEXT - 1)
    sections = [(".gopclntab", HEADER, bytes(0x200)), (".go.module", 0xA000, content)]
    path = write_elf(tmp_path / "a", sections)
    with ElfFile(str(path)) as elf:
        assert find_module_data(Image(elf), HEADER, elf.budget.check_time) is None
