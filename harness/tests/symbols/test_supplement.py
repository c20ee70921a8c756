"""Binaries that share debugging information with others: it is in a file of its own, or missing."""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from harness.config import SymbolOptions
from harness.errors import InputRejected
from harness.model import Scope, left_out_units
from harness.symbols import census_of, open_packages
from harness.tests.symbols.binaries import FIXTURES, drain_file, scopes_of

ELSEWHERE = FIXTURES / "elsewhere"
each_form = pytest.mark.parametrize("version", [4, 5])


def ordered(path: Path, options: SymbolOptions | None = None) -> dict[str, list[Scope]]:
    """Return the scopes of each package sorted: what is shared follows what is the unit's own."""
    found = scopes_of(path, options)
    return {name: sorted(scopes, key=repr) for name, scopes in found.items()}


@each_form
def test_a_binary_with_its_supplementary_file_is_the_binary_before_dwz(version: int) -> None:
    whole = FIXTURES / "cpp" / f"dwarf{version}.so"
    assert ordered(ELSEWHERE / f"shared-{version}.so") == ordered(whole)


@pytest.mark.parametrize("name", ["lto-relative", "lto-absolute", "nested"])
def test_code_finds_what_it_is_an_instance_of_in_that_file(name: str) -> None:
    """But for what both units have copies of: of these, one definition is left for all copies."""
    found, whole = (
        {
            package: [scope for scope in scopes if scope.name != "hash_of"]
            for package, scopes in ordered(path).items()
        }
        for path in (ELSEWHERE / f"shared-{name}.so", FIXTURES / "c" / f"{name}.so")
    )
    assert found == whole


def alone(version: int, folder: Path) -> Path:
    return Path(shutil.copy(ELSEWHERE / f"shared-{version}.so", folder / "alone.so"))


@each_form
def test_without_it_what_is_left_out_is_said_by_its_name(version: int, tmp_path: Path) -> None:
    with open_packages(str(alone(version, tmp_path))) as source, suppress(InputRejected):
        census_of(source)
    reason = f"unit of the supplementary file shared-{version}.debug, which is not there"
    assert left_out_units(source.skipped)[reason] == 1


def test_a_binary_of_which_nothing_is_left_says_which_file_it_needs(tmp_path: Path) -> None:
    binary, other = (tmp_path / name for name in ("bare.so", "shared-4.debug"))
    content = (ELSEWHERE / "shared-4.so").read_bytes()
    binary.write_bytes(without_code(content))
    shutil.copy(ELSEWHERE / "shared-5.debug", other)  # another file under its name
    with pytest.raises(InputRejected) as caught:
        drain_file(binary)
    said = str(caught.value)
    assert "nothing was extracted (left out: 1 x unit of the supplementary file shared-4" in said
    assert "put that file where it is named, or name its directory (--debug-dir)" in said


def without_code(content: bytes) -> bytes:
    """Return a binary whose units are all in a language that is not read."""
    info = ELFFile(BytesIO(content)).get_dwarf_info()
    mutant = bytearray(content)
    start = info.debug_info_sec.global_offset  # type: ignore[union-attr]
    for unit in info.iter_CUs():
        language = unit.get_top_DIE().attributes.get("DW_AT_language")
        if language is not None:
            mutant[start + language.offset] = 0x7F
    return bytes(mutant)


@each_form
def test_it_is_found_in_a_debug_directory(version: int, tmp_path: Path) -> None:
    (tmp_path / "debug" / ".dwz").mkdir(parents=True)
    shutil.copy(ELSEWHERE / f"shared-{version}.debug", tmp_path / "debug" / ".dwz")
    options = SymbolOptions(debug_dirs=(str(tmp_path / "debug"),))
    whole = FIXTURES / "cpp" / f"dwarf{version}.so"
    assert ordered(alone(version, tmp_path), options) == ordered(whole)


def test_it_is_found_by_its_build_id(tmp_path: Path) -> None:
    file = ELFFile(BytesIO((ELSEWHERE / "shared-4.so").read_bytes()))
    section = file.get_section_by_name(".gnu_debugaltlink")
    assert section is not None
    identity = section.data().partition(b"\0")[2].hex()
    path = tmp_path / "debug" / ".build-id" / identity[:2] / f"{identity[2:]}.debug"
    path.parent.mkdir(parents=True)
    shutil.copy(ELSEWHERE / "shared-4.debug", path)
    options = SymbolOptions(debug_dirs=(str(tmp_path / "debug"),))
    assert ordered(alone(4, tmp_path), options) == ordered(FIXTURES / "cpp" / "dwarf4.so")


@each_form
@pytest.mark.parametrize("ending", ["so", "debug"])
def test_damage_on_either_side_is_rejected_or_survived(
    version: int, ending: str, tmp_path: Path
) -> None:
    for path in ELSEWHERE.glob(f"shared-{version}.*"):
        shutil.copy(path, tmp_path)
    damaged = tmp_path / f"shared-{version}.{ending}"
    content, dice = damaged.read_bytes(), random.Random(f"{version} {ending}")
    for _ in range(40):
        mutant = bytearray(content)
        for _ in range(4):
            mutant[dice.randrange(64, len(mutant))] = dice.randrange(256)
        damaged.write_bytes(mutant)
        with suppress(InputRejected):
            drain_file(tmp_path / f"shared-{version}.so")
