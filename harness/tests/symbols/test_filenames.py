"""Which paths of two units are one file, for prefix maps and link-time optimisation."""

from __future__ import annotations

import pytest
from msgspec import to_builtins

from harness.symbols import open_packages
from harness.symbols.dwarf.filenames import SourceFile, same_file
from harness.tests.symbols.binaries import FIXTURES


def file(path: str, directory: str = "", content: str = "") -> SourceFile:
    return SourceFile(path, directory, content.encode())


@pytest.mark.parametrize(
    ("wanted", "known", "found"),
    [
        (file("/b/a.c"), [file("/b/a.c"), file("/c/a.c")], "/b/a.c"),
        (file("a.c", "."), [file("/b/a.c", "/b")], "/b/a.c"),
        (file("a.c", "."), [file("/b/a.c", "/b"), file("/b/x/a.c", "/b")], "/b/a.c"),
        (file("x/a.c", "."), [file("/b/a.c", "/b"), file("/b/x/a.c", "/b")], "/b/x/a.c"),
        (file("/usr/src/p/a.c", "/usr/src/p"), [file("/b/a.c", "/b")], "/b/a.c"),
        (file("/usr/src/p/a.c", "/usr/src/p/o"), [file("/b/a.c", "/b/o")], "/b/a.c"),
        (file("o/x/a.c", "o"), [file("/b/x/a.c", "/b"), file("/b/y/a.c", "/b")], "/b/x/a.c"),
        (file("/p/x/a.c", "/p"), [file("/b/x/a.c", "/b/o")], "/b/x/a.c"),
        (file("a.c", ".", "1"), [file("/b/a.c", "/c", "2"), file("/x/a.c", "/b", "1")], "/x/a.c"),
        (file("/usr/src/p/a.c"), [file("/b/a.c", "/b"), file("/b/b.c", "/b")], "/b/a.c"),
        # None of these is the same file, or it cannot be told which one is.
        (file("a.c", "."), [file("/b/b.c", "/b"), file("/b/xa.c", "/b")], "a.c"),
        (file("a.c", "."), [file("/b/a.c", "/c"), file("/b/x/a.c", "/c")], "a.c"),
        (file("/usr/include/a.h", "/p"), [file("/b/a.h", "/b")], "/usr/include/a.h"),
        (file("a.c", ".", "1"), [file("/b/a.c", "/b", "2")], "a.c"),
        (file("/p/a.c"), [file("/b/a.c", "/b"), file("/b/x/a.c", "/b")], "/p/a.c"),
        (file("a.c", "."), [], "a.c"),
    ],
)  # fmt: skip
def test_a_file_is_known_by_what_it_denotes(
    wanted: SourceFile, known: list[SourceFile], found: str
) -> None:
    assert same_file(wanted, known) == found


@pytest.mark.parametrize(
    ("variant", "directory"), [("relative", ""), ("absolute", "/usr/src/table-1.0/")]
)
def test_functions_compiled_under_another_directory_keep_lines_and_availability(
    variant: str, directory: str
) -> None:
    """But for the name of the directory, all is as if both directories had been one."""
    mapped, plain = told(f"lto-{variant}.so"), told("lto.so")
    assert plain.replace("/fixture/", directory) == mapped
    assert "available_line_ranges" in mapped


def told(name: str) -> str:
    with open_packages(str(FIXTURES / "c" / name)) as source:
        packages = [(package.scope, list(package.children)) for package in source.packages]
    return repr(to_builtins(packages))
