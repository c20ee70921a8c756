"""What extraction of C, C++ and Rust leaves out, where no compiler at hand writes such a thing."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from harness.errors import InputRejected
from harness.model import Scope
from harness.symbols import open_packages
from harness.tests.symbols.go.elf_writer import write_elf

_NO_MORE = bytes(2)
_LOW, _SIZE = b"\x11\x01", b"\x12\x07"
_NAME, _LANGUAGE, _RANGES = b"\x03\x08", b"\x13\x0b", b"\x55\x17"
_ORIGIN = b"\x31\x13"
_ALT_ORIGIN, _ALT_TYPE = b"\x31\xa0\x3e", b"\x49\xa0\x3e"

# Declarations: the unit, and seven kinds of entries below it.
_UNIT, _LISTED, _PLAIN, _ALT, _ARGUMENT, _ORPHAN, _COPY, _ABSTRACT = range(1, 9)
_ABBREVIATIONS = b"".join(
    bytes((code, tag, children)) + attributes + _NO_MORE
    for code, tag, children, attributes in (
        (_UNIT, 0x11, 1, _LANGUAGE),
        (_LISTED, 0x2E, 0, _NAME + _RANGES),
        (_PLAIN, 0x2E, 1, _NAME + _LOW + _SIZE),
        (_ALT, 0x2E, 0, _ALT_ORIGIN + _LOW + _SIZE),
        (_ARGUMENT, 0x05, 0, _NAME + _ALT_TYPE),
        (_ORPHAN, 0x1D, 0, _LOW + _SIZE),
        (_COPY, 0x05, 0, _ORIGIN),
        (_ABSTRACT, 0x2E, 0, _NAME),
    )
)
# Declared and never used: all that it takes for a unit to be one that may refer to others.
_CROSSING = bytes((9, 0x1D, 0)) + b"\x31\x10" + _NO_MORE
_CODE = (0x1000).to_bytes(8, "little") + (0x10).to_bytes(8, "little")
_C99 = 0x0C
_ENTRIES_AT = 13  # behind the header and the root entry


def extract(
    folder: Path, entries: bytes, ranges: bytes = b"", declarations: bytes = b""
) -> tuple[list[Scope], dict[str, int]]:
    unit = bytes((4, 0, 0, 0, 0, 0, 8, _UNIT, _C99)) + entries + bytes(1)
    sections = [
        (".debug_abbrev", 0, _ABBREVIATIONS + declarations + bytes(1)),
        (".debug_info", 0, len(unit).to_bytes(4, "little") + unit),
        (".debug_ranges", 0, ranges + bytes(16)),
    ]
    scopes: list[Scope] = []
    with (
        open_packages(str(write_elf(folder / "program", sections))) as source,
        suppress(InputRejected),  # where nothing is left
    ):
        for package in source.packages:
            scopes += package.children
    return scopes, source.skipped


def test_a_function_whose_ranges_are_all_empty_was_discarded(tmp_path: Path) -> None:
    one_to_one = (1).to_bytes(8, "little") * 2
    function = bytes((_LISTED,)) + b"dead\0" + bytes(4)
    scopes, skipped = extract(tmp_path, function, one_to_one)
    assert scopes == []
    assert skipped == {"function that the linker discarded": 1}


def test_what_lives_in_a_supplementary_file_is_counted(tmp_path: Path) -> None:
    instance = bytes((_ALT,)) + bytes(4) + _CODE
    argument = bytes((_ARGUMENT,)) + b"p\0" + bytes(4)
    caller = bytes((_PLAIN,)) + b"caller\0" + _CODE + argument + bytes(1)
    (scope,), skipped = extract(tmp_path, instance + caller)
    assert [(symbol.name, symbol.type) for symbol in scope.symbols] == [("p", "?")]
    assert skipped == {
        "instance of a function in another file": 1,
        "type of a variable in another file": 1,
    }


@pytest.mark.parametrize("declarations", [b"", _CROSSING], ids=["alone", "may refer to others"])
def test_an_instance_of_nothing_is_counted_once(tmp_path: Path, declarations: bytes) -> None:
    caller = bytes((_PLAIN,)) + b"caller\0" + _CODE + bytes((_ORPHAN,)) + _CODE + bytes(1)
    asks = bytes((_ABSTRACT,)) + b"inline\0"  # which names no file, so its instances are sought
    scopes, skipped = extract(tmp_path, caller + asks, declarations=declarations)
    assert [scope.name for scope in scopes] == ["caller", "inline"]
    assert skipped == {"instance without an origin": 1}


def test_a_parameter_that_only_its_origin_names_is_kept(tmp_path: Path) -> None:
    """Old GCC leaves those of an inlined call in a block of the caller."""
    owner = bytes((_PLAIN,)) + b"owner\0" + _CODE
    argument = bytes((_ARGUMENT,)) + b"p\0" + bytes(4)
    copy = bytes((_COPY,)) + (_ENTRIES_AT + len(owner)).to_bytes(4, "little")
    caller = bytes((_PLAIN,)) + b"caller\0" + _CODE + copy + bytes(1)
    scopes, _ = extract(tmp_path, owner + argument + bytes(1) + caller)
    assert [(scope.name, [symbol.name for symbol in scope.symbols]) for scope in scopes] == [
        ("owner", ["p"]), ("caller", ["p"]),
    ]  # fmt: skip
