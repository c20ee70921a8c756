"""What C, C++ and Rust extraction returns, checked against the sources beside the binaries."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from harness.config import SymbolOptions
from harness.errors import InputRejected
from harness.model import Scope
from harness.symbols import open_packages
from harness.symbols import source as source_module
from harness.tests.symbols.binaries import FIXTURES, scopes_of

C_VARIANTS = ["dwarf3", "dwarf4", "dwarf5", "compressed", "zdebug", "i386", "s390x", "unoptimised"]


def named(scopes: list[Scope], name: str) -> Scope:
    (found,) = [scope for scope in scopes if scope.name == name]
    return found


def signature(scope: Scope) -> list[tuple[str, str]]:
    return [(s.name, s.type) for s in scope.symbols if s.symbol_type == "arg"]


@pytest.mark.parametrize("variant", C_VARIANTS)
def test_the_same_source_has_the_same_functions_whatever_the_dwarf(variant: str) -> None:
    found = scopes_of(FIXTURES / "c" / f"{variant}.so")
    assert list(found) == ["/fixture/table.c", "/fixture/report.c"]
    table = found["/fixture/table.c"]
    assert {scope.name for scope in table if scope.scope_type == "function"} == {
        "table_each", "table_put", "table_find", "same", "bucket_of", "hash_of",
    }  # fmt: skip
    assert signature(named(table, "table_each")) == [
        ("table", "table *"), ("visit", "visitor"), ("context", "void *"),
    ]  # fmt: skip
    assert sorted(signature(named(table, "same"))) == [
        ("left", "const char *"), ("right", "const char *"),
    ]  # fmt: skip


def test_an_unoptimised_function_has_its_lines_blocks_and_availability() -> None:
    table = scopes_of(FIXTURES / "c" / "unoptimised.so")["/fixture/table.c"]
    each = named(table, "table_each")
    assert (each.source_file, each.start_line, each.end_line) == ("/fixture/table.c", 40, 55)
    assert [(span.start, span.end) for span in each.injectible_lines] == [
        (40, 48), (50, 51), (54, 55),
    ]  # fmt: skip
    (loop,) = each.scopes
    assert [(symbol.name, symbol.line) for symbol in loop.symbols] == [("index", 42)]
    (body,) = loop.scopes
    assert [(symbol.name, symbol.type) for symbol in body.symbols] == [("entry", "entry *")]
    assert body.source_file == "/fixture/table.c"
    specifics = each.symbols[0].language_specifics
    assert specifics is not None
    assert [(span.start, span.end) for span in specifics.available_line_ranges] == [(40, 55)]


def test_blocks_side_by_side_are_not_inside_each_other() -> None:
    def names(scope: Scope) -> list[object]:
        return [*(symbol.name for symbol in scope.symbols), *map(names, scope.scopes)]

    rings = scopes_of(FIXTURES / "cpp" / "dwarf5.so")["/fixture/rings.cpp"]
    first, second = named(rings, "ring_sum").scopes  # its two loops
    assert names(first) == ["index", ["here"]]
    assert names(second) == ["cursor", ["where"]]


def test_types_have_their_fields_with_types_as_c_spells_them() -> None:
    table = scopes_of(FIXTURES / "c" / "dwarf5.so")["/fixture/table.c"]
    assert [(symbol.name, symbol.type) for symbol in named(table, "table").symbols] == [
        ("buckets", "entry *[16]"), ("count", "size"), ("statistics", "(anonymous struct)"),
    ]  # fmt: skip
    assert {symbol.line for symbol in named(table, "entry").symbols} == {UNSET}


def test_functions_optimised_at_link_time_have_the_lines_they_have_without_it() -> None:
    plain, linked = (
        [
            (package, scope.name, scope.source_file, scope.injectible_lines)
            for package, scopes in scopes_of(FIXTURES / "c" / f"{variant}.so").items()
            for scope in scopes
            # Across units it was inlined differently.
            if scope.scope_type == "function" and scope.name != "complain"
        ]
        for variant in ("dwarf5", "lto")
    )
    assert linked == plain
    assert sum(bool(lines) for _, _, _, lines in linked) == 11


def test_arguments_of_functions_optimised_at_link_time_are_available_as_without_it() -> None:
    plain, linked = (
        {
            (package, scope.name, symbol.name): symbol.language_specifics
            for package, scopes in scopes_of(FIXTURES / "c" / f"{variant}.so").items()
            for scope in scopes
            for symbol in scope.symbols
            if symbol.symbol_type == "arg"
        }
        for variant in ("dwarf5", "lto")
    )
    assert linked == plain
    assert sum(specifics is not None for specifics in linked.values()) == 10


def test_one_place_that_cannot_be_read_makes_the_variable_unavailable_unless_any_will_do() -> None:
    found = {}
    for locations in ("strict", "any"):
        scopes = scopes_of(FIXTURES / "c" / "dwarf5.so", SymbolOptions(locations=locations))
        (table,) = [
            symbol
            for symbol in named(scopes["/fixture/table.c"], "table_each").symbols
            if symbol.name == "table"
        ]
        found[locations] = table.language_specifics
    # One of its places is a register; the next two are values that were worked out.
    assert found["strict"] is None
    assert found["any"] is not None
    assert found["any"].available_line_ranges


def test_a_single_pass_counts_what_it_drops() -> None:
    options = SymbolOptions(single_pass=True)
    with open_packages(str(FIXTURES / "c" / "lto.so"), options) as source:
        scopes = [scope for package in source.packages for scope in package.children]
        assert source.skipped["instance of another unit's function"] == 14
    assert {scope.end_line for scope in scopes} == {0}


def test_large_units_come_in_parts_that_join_again(monkeypatch: pytest.MonkeyPatch) -> None:
    path = FIXTURES / "cpp" / "dwarf5.so"
    whole = scopes_of(path)
    monkeypatch.setattr(source_module, "MOST_FUNCTIONS", 3)
    joined: dict[str, list[Scope]] = {}
    sizes: list[int] = []
    with open_packages(str(path)) as source:
        for package in source.packages:
            specifics = package.scope.language_specifics
            again = specifics is not None and specifics.continuation
            assert again == (package.scope.name in joined)
            children = list(package.children)
            sizes.append(len(children))
            joined.setdefault(package.scope.name, []).extend(children)
    assert joined == whole
    assert max(sizes) == 3


def test_a_function_that_lives_only_as_copies_starts_at_its_declaration() -> None:
    table = scopes_of(FIXTURES / "c" / "dwarf5.so")["/fixture/table.c"]
    scope = named(table, "hash_of")
    assert (scope.source_file, scope.start_line) == ("/fixture/table.h", 33)
    assert [symbol.name for symbol in scope.symbols] == ["hash", "key", "letter"]
    assert scope.scopes == []


def test_a_class_names_its_bases_and_marks_static_members() -> None:
    found = scopes_of(FIXTURES / "cpp" / "dwarf5.so")
    types = {s.name: s for scopes in found.values() for s in scopes if s.scope_type == "struct"}
    circle = types["geometry::(anonymous namespace)::circle"]
    assert circle.language_specifics is not None
    assert circle.language_specifics.super_classes == ("geometry::shape", "geometry::scalable")
    kinds = {s.name: s.symbol_type for s in types["geometry::shape"].symbols}
    assert kinds["alive"] == "static_field"
    assert kinds["name_"] == "field"


def test_a_binary_of_which_nothing_is_extracted_is_no_empty_result() -> None:
    reason = r"nothing was extracted \(left out: 1 x skeleton unit .*\) — put its .dwo"
    with (
        open_packages(str(FIXTURES / "c" / "split.so")) as source,
        pytest.raises(InputRejected, match=reason),
    ):
        list(source.packages)


@pytest.mark.parametrize(
    ("path", "reason"),
    [("c/split.dwo", "it holds split units: name the binary"), ("c", "Is a directory")],
)
def test_what_cannot_be_read_says_what_why_and_what_to_do(path: str, reason: str) -> None:
    with pytest.raises(InputRejected, match=reason) as caught, open_packages(str(FIXTURES / path)):
        pass
    assert str(FIXTURES / path) in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_function_that_begins_with_an_inlined_call_has_the_line_of_the_call(
    compiler: str,
) -> None:
    """All statements at its first address belong to what is inlined; some have no others."""
    (scopes,) = scopes_of(FIXTURES / "c" / f"inlined-{compiler}.so").values()
    only, more = named(scopes, "only_a_call"), named(scopes, "a_call_and_more")
    assert [line_of(only, 8), line_of(more, 13)] == [True, True]
    assert 0 < only.start_line <= only.end_line
    assert 0 < more.start_line <= more.end_line


def line_of(scope: Scope, line: int) -> bool:
    return any(span.start <= line <= span.end for span in scope.injectible_lines)
