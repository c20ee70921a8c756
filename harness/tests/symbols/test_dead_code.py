"""Addresses that mark discarded code, and the same addresses where there is code."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from harness.tests.symbols.binaries import FIXTURES
from harness.tests.symbols.test_declarators import children

C = FIXTURES / "c"
MARKED = sorted(C.glob("dead-?-*"))


@pytest.mark.parametrize("path", MARKED, ids=lambda path: path.name)
def test_discarded_functions_are_left_out_however_the_linker_marks_them(path: Path) -> None:
    scopes, skipped = children(path)
    assert [(scope.name, scope.start_line, scope.end_line) for scope in scopes] == [
        ("kept", 8, 9), ("scaled", 2, 4),
    ]  # fmt: skip
    assert skipped == {"function that the linker discarded": 2}


def test_where_no_function_of_the_symbol_table_is_at_0_it_is_a_mark(tmp_path: Path) -> None:
    """Firmware often begins with a table of vectors, in a section of code."""
    content = bytearray((C / "dead-5-at-0").read_bytes())
    table = ELFFile(BytesIO(content)).get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    (number,) = (at for at, one in enumerate(table.iter_symbols()) if one.name == "scaled")
    content[table["sh_offset"] + number * table["sh_entsize"] + 8] = 0x40
    changed = tmp_path / "vectors"
    changed.write_bytes(content)
    scopes, skipped = children(changed)
    assert [scope.name for scope in scopes] == ["kept"]
    assert skipped == {"function that the linker discarded": 3}


def test_code_at_address_0_is_described_as_code_elsewhere() -> None:
    low, high = children(C / "at-0"), children(C / "at-1000")
    assert low == high
    assert [(scope.name, scope.start_line, scope.end_line) for scope in low[0]] == [
        ("generated", 4_000_000_001, 4_000_000_004), ("second", 8, 11), ("first", 2, 5),
    ]  # fmt: skip
    assert all(symbol.language_specifics for scope in low[0] for symbol in scope.symbols)


def test_lines_of_32_bits_stay_what_they_are() -> None:
    (generated,) = [scope for scope in children(C / "at-1000")[0] if scope.name == "generated"]
    assert [symbol.line for symbol in generated.symbols] == [4_000_000_000, 4_000_000_002]
