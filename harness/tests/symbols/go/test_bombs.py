"""Tables of Go made to take time and memory: extraction ends at a limit, or does without them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.config import MIB, Limits, SymbolOptions
from harness.errors import InputRejected
from harness.tests.symbols.binaries import drain_file
from harness.tests.symbols.crafted import lines_of, sized
from harness.tests.symbols.go.demo import sections_of
from harness.tests.symbols.go.elf_writer import write_elf
from harness.tests.symbols.go.pclntab_writer import TEXT, PclntabWriter, Writable
from harness.tests.symbols.go.test_buildinfo import inline
from harness.tests.symbols.test_damage import FEW, bounded, out_of_time

_GO = 0x16
_ABBREVIATIONS = bytes((
    *(1, 0x11, 1, 0x13, 0x0B, 0x03, 0x08, 0x10, 0x17, 0, 0),  # unit: language, name, stmt_list
    # function: shared name, low and high PC, file, external
    *(2, 0x2E, 0, 0x03, 0x0E, 0x11, 0x01, 0x12, 0x07, 0x3A, 0x0B, 0x3F, 0x19, 0, 0),
    0,
))  # fmt: skip
_LINES = 1000
_TREE = 0x100000
_LONG_NAME = "main." + "f" * 60_000


def program(
    path: Path,
    functions: int = 1,
    *,
    name: str = "main.f",
    ranges: int = 2,
    node: int = -1,
    version: str = "1.20",
) -> Path:
    """Write a program whose functions are all the same one, with so many lines.

    Its first half may be inlined code, of an inline tree at the start of the data.
    """
    runs = [(1, 1 + number % _LINES) for number in range(ranges)]
    owners = [(ranges // 2, node), (ranges - ranges // 2, -1)]
    own = "main.other" if node >= 0 else name  # then the name is looked for in the tree
    one = Writable(own, ranges, [(ranges, 0)], runs, owners, tree=_TREE)
    table = PclntabWriter(version, "little", 8, 1).image([one], ["/a.go"])
    entry = b"\x02" + struct.pack("<IQQB", 0, TEXT, ranges, 1)
    unit = b"\x01" + bytes((_GO,)) + b"main\0" + bytes(4) + entry * functions + b"\0"
    sections = [
        (".text", TEXT, bytes(64)),
        (".rodata", _TREE, bytes(1024)),
        (".go.buildinfo", 0x8000, inline()),
        (".gopclntab", 0x9000, table),
        (".debug_info", 0, sized(struct.pack("<HBBI", 5, 1, 8, 0) + unit)),
        (".debug_abbrev", 0, _ABBREVIATIONS),
        (".debug_line", 0, lines_of(1, b"a.go")),
        (".debug_str", 0, name.encode() + b"\0"),
    ]
    return write_elf(path, sections)


@pytest.mark.parametrize(
    ("made", "limits", "reason"),
    [
        ({"functions": 50, "name": _LONG_NAME}, Limits(output_bytes=MIB), "more than 1048576"),
        ({"node": 1 << 20, "version": "1.16"}, Limits(), "more than 1,048,576 nodes"),
    ],
    ids=["output", "tree"],
)
def test_a_program_made_to_get_past_a_limit_does_not(
    tmp_path: Path, made: dict[str, Any], limits: Limits, reason: str
) -> None:
    path = program(tmp_path / "demo", **made)
    with pytest.raises(InputRejected, match=reason), bounded(256 * MIB):
        drain_file(path, SymbolOptions(limits=limits))


@pytest.mark.parametrize("name", [".rodata", ".data"], ids=["headers", "module data"])
def test_what_looks_like_a_table_at_every_place_takes_no_longer_than_the_limit(
    tmp_path: Path, name: str
) -> None:
    made = {one: (at, content) for one, at, content in sections_of(program(tmp_path / "demo"))}
    if name == ".rodata":
        made[".merged"] = made.pop(".gopclntab")
    header = made[".merged" if name == ".rodata" else ".gopclntab"]
    octets = header[1][:8] if name == ".rodata" else struct.pack("<Q", header[0])
    made[name] = 0x200000, octets * 100_000
    path = write_elf(tmp_path / "bomb", [(one, *rest) for one, rest in made.items()])
    with out_of_time(0.05) as options:
        drain_file(path, options)


def test_whatever_its_size_a_table_of_lines_takes_no_longer_than_the_limit(tmp_path: Path) -> None:
    drain_file(program(tmp_path / "demo", 3))  # which is read: nothing else about it is wrong

    @given(functions=st.integers(700, 1400), ranges=st.integers(20_000, 40_000))
    @settings(FEW, max_examples=settings().max_examples // 5)
    def check(functions: int, ranges: int) -> None:
        path = program(tmp_path / "bomb", functions, ranges=ranges)
        with out_of_time(0.05) as options:
            drain_file(path, options)

    check()
