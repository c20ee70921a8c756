"""Functions inside functions: the enclosing ones and their namespaces are part of the name."""

from __future__ import annotations

import pytest

from harness.model import LanguageSpecifics, Scope
from harness.tests.symbols.binaries import FIXTURES
from harness.tests.symbols.test_declarators import children, types_in

SPELLED_BY = {"gcc": "app::use(int)::<lambda(int)> ", "clang": "(lambda at closures.cpp:49:16)"}

each_compiler = pytest.mark.parametrize("compiler", SPELLED_BY)


def extract(compiler: str) -> list[Scope]:
    return children(FIXTURES / "cpp" / f"closures-{compiler}.so")[0]


def qualified_name(scope: Scope) -> str:
    return (scope.language_specifics or LanguageSpecifics()).qualified_name


@each_compiler
def test_functions_inside_functions_are_named_after_them(compiler: str) -> None:
    apply = f"app::apply<{SPELLED_BY[compiler]}>"
    found = {qualified_name(scope) for scope in extract(compiler) if scope.scope_type != "struct"}
    assert {name for name in found if "promise" not in name and "std::" not in name} == {
        "app::outer::inner::inner",
        "app::outer::inner::~inner",
        "app::outer::method",
        "app::outer::method::local::member",
        "app::outer::plus",
        "app::functor::operator()",
        apply,
        f"{apply}::<lambda(int, int)>::operator()<int>",
        "app::use",
        "app::use::<lambda(int)>::operator()",
        "app::use::<lambda(int)>::operator()::deep::member",
        "app::wait",
    }


@each_compiler
def test_closures_are_types_with_what_they_capture(compiler: str) -> None:
    (closure,) = [scope for scope in extract(compiler) if scope.name == "app::use::<lambda(int)>"]
    assert [(field.name.strip("_"), field.type) for field in closure.symbols] == [("seed", "int")]


@each_compiler
def test_a_typedef_names_no_closure_of_a_function_but_a_struct_beside_it(compiler: str) -> None:
    scopes = extract(compiler)
    apply = f"apply<{SPELLED_BY[compiler]}>"
    types = types_in(scopes, apply)
    assert types["twice"] == f"app::{apply}::<lambda(int, int)>"
    assert types["copy"] == f"app::{apply}::closure"
    assert types_in(scopes, "use")["added"] == "app::functor"


@each_compiler
def test_closures_have_the_file_and_the_lines_of_their_code(compiler: str) -> None:
    (call,) = [
        scope
        for scope in extract(compiler)
        if qualified_name(scope) == "app::use::<lambda(int)>::operator()"
    ]
    assert (call.source_file, call.start_line) == ("/fixture/closures.cpp", 49)
    assert call.end_line in (54, 55)


def test_blocks_enclose_nothing_by_name() -> None:
    scopes, _ = children(FIXTURES / "c" / "nested.so")
    names = [qualified_name(scope) or scope.name for scope in scopes]
    assert names == ["sum", "sum::first", "sum::second", "sum::pair"]


def test_an_outlined_body_has_the_file_of_its_code() -> None:
    scopes, _ = children(FIXTURES / "c" / "outlined.so")
    (body,) = [scope for scope in scopes if scope.name == "sum._omp_fn.0"]
    assert (body.source_file, body.start_line, body.end_line) == ("/fixture/outlined.c", 4, 7)
