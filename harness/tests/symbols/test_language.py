"""Which language a binary is read as, when it holds several, or what looks like another one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.dwarf.enums import ENUM_DW_LANG

from harness.errors import InputRejected
from harness.symbols import census_of, open_packages
from harness.symbols.dwarf.constants import LANGUAGES, OTHER_LANGUAGES
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile
from harness.tests.symbols.binaries import FIXTURES, scopes_of
from harness.tests.symbols.go.demo import sections_of
from harness.tests.symbols.go.elf_writer import write_elf

BUILD_INFO = ".go.buildinfo"
C_PROGRAM = FIXTURES / "c" / "dwarf5.so"
C99, C11 = 0x0C, 0x1D
Section = tuple[str, int, bytes]


def rewritten(path: Path, source: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """Write a binary anew with the content of its sections changed; sections made empty go."""
    changed = ((name, address, change(name, data)) for name, address, data in sections_of(source))
    return write_elf(path, [section for section in changed if section[2]])


def beginning_with_c(path: Path, program: Path) -> Path:
    """Write a Go program whose first unit says that it is C."""
    with ElfFile(str(program)) as elf:
        first = next(Dwarf(elf).iter_units())
    whole = first.name.encode() + b"\0"

    def relabel(name: str, data: bytes) -> bytes:
        at = data.index(whole) + len(whole) if name == ".debug_info" else 0
        return data[:at] + bytes([C99]) + data[at + 1 :] if at else data

    return rewritten(path, program, relabel)


def test_a_go_program_that_begins_with_c_is_go_and_the_c_is_counted(
    program: Path, tmp_path: Path
) -> None:
    with open_packages(str(program)) as source:
        whole = census_of(source)
    with open_packages(str(beginning_with_c(tmp_path / "mixed", program))) as source:
        assert source.language == "go"
        mixed = census_of(source)
    assert mixed.skipped["unit: not Go"] == 1 + whole.skipped.get("unit: not Go", 0)
    assert mixed.methods < whole.methods


def test_build_information_in_a_c_program_does_not_make_it_go(
    program: Path, tmp_path: Path
) -> None:
    info = next(section for section in sections_of(program) if section[0] == BUILD_INFO)
    path = write_elf(tmp_path / "c", [*sections_of(C_PROGRAM), info])
    with open_packages(str(path)) as source:
        assert source.language == "c"
    assert scopes_of(path) == scopes_of(C_PROGRAM)


@pytest.mark.parametrize("mixed", [False, True], ids=["go alone", "c first"])
def test_build_information_without_bytes_is_a_go_program_that_cannot_be_read(
    program: Path, tmp_path: Path, *, mixed: bool
) -> None:
    """So a file of debugging information alone is not taken for the C in it."""
    whole = beginning_with_c(tmp_path / "mixed", program) if mixed else program
    path = rewritten(
        tmp_path / "alone", whole, lambda name, data: bytes(8) if name == BUILD_INFO else data
    )
    reason = r"no Go build information.*debugging information"
    with open_packages(str(path)) as source, pytest.raises(InputRejected, match=reason):
        census_of(source)


def test_go_units_in_a_c_program_without_build_information_are_counted(
    program: Path, tmp_path: Path
) -> None:
    path = rewritten(
        tmp_path / "c",
        beginning_with_c(tmp_path / "mixed", program),
        lambda name, data: b"" if name == BUILD_INFO else data,
    )
    with open_packages(str(path)) as source:
        assert source.language == "c"
        assert census_of(source).skipped["unit in go"] > 0


def test_language_codes_are_those_of_the_published_list() -> None:
    """Two of one language may differ in version, but C is not C++ and nothing is shifted."""
    published = {
        str(name).removeprefix("DW_LANG_"): code
        for name, code in ENUM_DW_LANG.items()
        if name != "_default_"
    }
    read = {
        "c": {"C89", "C", "C99", "C11", "C17", "C23", "ObjC"},
        "cpp": {"C_plus_plus", "ObjC_plus_plus"}
        | {f"C_plus_plus_{year}" for year in ("03", "11", "14", "17", "20", "23")},
        "go": {"Go"},
        "rust": {"Rust", "Rust_old"},
    }
    expected = {published[name]: language for language, names in read.items() for name in names}
    assert expected == LANGUAGES
    others = {
        code for name, code in published.items() if not name.startswith(("HP_", "lo_", "hi_"))
    }
    assert others - expected.keys() == set(OTHER_LANGUAGES)


def relabelled(path: Path, code: int) -> Path:
    """Write a C program whose one unit says another language."""
    program = FIXTURES / "c" / "at-1000"
    with ElfFile(str(program)) as elf:
        dwarf = Dwarf(elf)
        at = next(dwarf.iter_units()).first + 5  # behind the abbreviation and the producer

    def relabel(name: str, data: bytes) -> bytes:
        if name != ".debug_info":
            return data
        assert data[at] == C11
        return data[:at] + bytes((code,)) + data[at + 1 :]

    return rewritten(path, program, relabel)


@pytest.mark.parametrize(("code", "language"), [(0x2A, "cpp"), (0x2B, "cpp"), (0x2C, "c")])
def test_a_unit_of_a_recent_standard_is_read(tmp_path: Path, code: int, language: str) -> None:
    with open_packages(str(relabelled(tmp_path / "program", code))) as source:
        assert source.language == language
        assert [package.language for package in source.packages] == [language]


@pytest.mark.parametrize(
    ("code", "name"), [(0x2D, "Fortran"), (0x27, "Zig"), (0x13, "D"), (0x99, "language 0x99")]
)
def test_a_unit_that_is_not_read_is_counted_by_its_language(
    tmp_path: Path, code: int, name: str
) -> None:
    """Where nothing else is there, that is an error and not an empty result."""
    reason = rf"nothing was extracted \(left out: 1 x unit in {name}\) — name a binary"
    with (
        open_packages(str(relabelled(tmp_path / "program", code))) as source,
        pytest.raises(InputRejected, match=reason),
    ):
        census_of(source)
    assert source.skipped == {f"unit in {name}": 1}
