"""Types in units of their own are found by their signature, as if they stood where they are."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from harness.model import Scope
from harness.symbols.dwarf.units import Dwarf
from harness.symbols.elf import ElfFile
from harness.symbols.native.signed import TypeUnits
from harness.tests.symbols.binaries import FIXTURES, scopes_of
from harness.tests.symbols.test_declarators import children

CPP = FIXTURES / "cpp"
RING = 0x92A1ABDD69302525  # that of geometry::ring<geometry::point<int>, 8>, by llvm-dwarfdump
ABSENT = 0x0123456789ABCDEF


def _told(scope: Scope) -> tuple[object, ...]:
    specifics = scope.language_specifics
    fields = [(s.name, s.type, s.symbol_type) for s in scope.symbols]
    if specifics is None:
        return scope.name, fields
    return scope.name, fields, specifics.super_classes, specifics.qualified_name


@pytest.mark.parametrize("version", [4, 5])
def test_types_and_arguments_are_those_of_the_same_source_without_type_units(version: int) -> None:
    apart, skipped = children(CPP / f"types{version}.so")
    together, nothing = children(CPP / f"dwarf{version}.so")
    assert sorted(map(repr, map(_told, apart))) == sorted(map(repr, map(_told, together)))
    assert skipped == nothing


@pytest.mark.parametrize("version", [4, 5])
def test_the_index_of_a_package_says_where_types_are(version: int) -> None:
    """Of two units, of which one has the types that both use; clang has another closure."""
    apart, skipped = children(FIXTURES / "elsewhere" / f"packed-types-{version}.so")
    together, nothing = children(CPP / "dwarf5.so")
    types = [one for one in apart if one.scope_type == "struct"]
    assert len(types) == 10
    assert len({one.name for one in types} & {one.name for one in together}) == 9
    assert not [one for scope in apart for one in scope.symbols if "?" in one.type]
    assert skipped == nothing


@pytest.mark.parametrize("name", ["types-gcc.o", "types-split.o"])
def test_type_units_of_an_object_have_sections_of_one_name_and_all_are_read(name: str) -> None:
    """The split one has them in its .dwo file."""
    apart, skipped = children(FIXTURES / "elsewhere" / name)
    together = scopes_of(CPP / "dwarf4.so")["/fixture/rings.cpp"]
    assert sorted(map(repr, map(_told, apart))) == sorted(map(repr, map(_told, together)))
    assert skipped == {"type without a name": 1}


def test_what_stands_in_a_type_that_is_only_referred_to_has_its_name() -> None:
    """Clang leaves declarations of methods in the unit, in a type with a signature alone."""
    apart, _ = children(FIXTURES / "elsewhere" / "types-clang.o")
    names = {one.language_specifics.qualified_name for one in apart if one.language_specifics}
    assert names >= {
        "geometry::ring<geometry::point<int>, 8>::push",
        "geometry::point<int>::as<long>",
    }


@pytest.mark.parametrize("version", [4, 5])
def test_a_type_unit_with_another_signature_is_missed_and_left_over(
    tmp_path: Path, version: int
) -> None:
    changed = tmp_path / "changed.so"
    content = (CPP / f"types{version}.so").read_bytes()
    with ElfFile(str(CPP / f"types{version}.so")) as elf:
        units = TypeUnits(Dwarf(elf))
        found = units.find(RING)
        assert found is not None
        header = found[0].info.read(found[0].offset, 24)
        units.close()
    wanted = struct.pack("<Q", RING)
    at = content.index(header) + header.index(wanted)
    changed.write_bytes(content[:at] + struct.pack("<Q", ABSENT) + content[at + 8 :])
    _, skipped = children(changed)
    assert skipped["type in a type unit that is not there"] == 1
    assert skipped["type unit that no unit refers to"] >= 1
