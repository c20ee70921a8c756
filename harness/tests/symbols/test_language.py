"""Which language a binary is read as, when it holds several, or what looks like another one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import InputRejected
from harness.symbols import census_of, open_packages
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile
from harness.tests.symbols.binaries import FIXTURES
from harness.tests.symbols.go.demo import sections_of
from harness.tests.symbols.go.elf_writer import write_elf

BUILD_INFO = ".go.buildinfo"
C_PROGRAM = FIXTURES / "c" / "dwarf5.so"
C99 = 0x0C
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
        found = census_of(source)
    with open_packages(str(C_PROGRAM)) as source:
        assert found == census_of(source)


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
        assert census_of(source).skipped["unit in another language"] > 0
