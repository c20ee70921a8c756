"""The pclntab is found where a C linker merged it, behind whatever looks like one."""

import tracemalloc
from pathlib import Path

import pytest

from harness.config import SymbolOptions
from harness.errors import InputRejected
from harness.symbols.elf import ElfFile
from harness.symbols.go.image import find_line_table
from harness.symbols.go.pclntab import PcLineTable
from harness.tests.symbols.go.demo import extract, golden, sections_of
from harness.tests.symbols.go.elf_writer import write_elf
from harness.tests.symbols.go.pclntab_writer import MAGICS, TEXT, PclntabWriter, Writable

FUNCTIONS = [
    Writable("main.a", 16, [(16, 0)], [(16, 10)], [(16, -1)]),
    Writable("main.b", 32, [(32, 0)], [(32, 20)], [(32, -1)]),
]
FILES = ["main/a.go"]
ADDRESS = 0x80004
LITTLE = PclntabWriter("1.20", "little", 8, 1)


def decoys(writer: PclntabWriter) -> bytes:
    """Return what begins like a table and is none, each at an aligned address."""
    whole = writer.image(FUNCTIONS, FILES)
    lead, size = writer.header([])[:8], writer.pointer_size
    pieces = [
        lead + b"\xff" * 80,  # more functions than there are bytes
        lead + bytes(80),  # none
        lead + writer.pack(writer.pointer * 8, *[1] * 8),  # one, of nonsense
        b"\0" + whole[: len(whole) // 2],  # a true beginning where none can be
        lead[:7] + bytes([12 - size]) + whole[8:],  # pointers of the other size
    ]
    return b"".join(piece + bytes(-len(piece) % 8) for piece in pieces)


def located(path: Path, content: bytes, writer: PclntabWriter, name: str = ".data.rel.ro") -> int:
    """Write a binary around a section; return where in it the table is found."""
    order = "little" if writer.prefix == "<" else "big"
    sections = [(".text", TEXT, bytes(48)), (name, ADDRESS, content)]
    write_elf(path, sections, order=order, bits=8 * writer.pointer_size)
    with ElfFile(str(path)) as elf:
        found = find_line_table(elf)
        table = PcLineTable(found, TEXT)
        names = [table.name(function.name_offset) for function in table.sample(2)]
        assert names == ["main.a", "main.b"]
        return found.address - ADDRESS


@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("version", MAGICS)
def test_a_merged_table_is_found_behind_false_ones(
    tmp_path: Path, version: str, order: str, size: int
) -> None:
    writer = PclntabWriter(version, order, size, 1)
    before = bytes(4) + decoys(writer)
    content = before + writer.image(FUNCTIONS, FILES) + b"behind it" * 9
    assert located(tmp_path / "a", content, writer) == len(before)


@pytest.mark.parametrize("name", [".data.rel.ro", ".rodata"])
@pytest.mark.parametrize("before", [65524, 65532, 65540, 3 * 65536 - 4])
def test_a_header_is_found_wherever_a_window_ends(tmp_path: Path, before: int, name: str) -> None:
    content = b"\xff" * before + LITTLE.image(FUNCTIONS, FILES)
    assert located(tmp_path / "a", content, LITTLE, name) == before


@pytest.mark.parametrize("content", [b"", bytes(4) + decoys(LITTLE)], ids=["nothing", "decoys"])
def test_without_a_table_the_reason_is_said(tmp_path: Path, content: bytes) -> None:
    path = write_elf(tmp_path / "a", [(".data.rel.ro", ADDRESS, content)])
    with ElfFile(str(path)) as elf, pytest.raises(InputRejected, match=r"no pclntab.*Go's"):
        find_line_table(elf)


def test_searching_holds_a_window_not_the_section(tmp_path: Path) -> None:
    path = write_elf(tmp_path / "a", [(".data.rel.ro", ADDRESS, bytes(16 << 20))])
    with ElfFile(str(path)) as elf:
        tracemalloc.start()
        with pytest.raises(InputRejected):
            find_line_table(elf)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1 << 20


def test_a_program_with_a_merged_table_reads_like_one_with_a_section(
    program: Path, tmp_path: Path
) -> None:
    sections = []
    for name, address, content in sections_of(program):
        if name == ".gopclntab":
            before = decoys(LITTLE)
            sections.append((".data.rel.ro", address - len(before), before + content + bytes(99)))
        else:
            sections.append((name, address, content))
    path = write_elf(tmp_path / "merged", sections)
    assert list(extract(path, SymbolOptions(scope="main"))) == golden()
