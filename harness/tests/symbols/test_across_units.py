"""What one unit has for another is named as if each unit had its own."""

from __future__ import annotations

import pytest
from msgspec import to_builtins

from harness.model import Scope
from harness.symbols import open_packages
from harness.tests.symbols.binaries import FIXTURES
from harness.tests.symbols.test_closures import qualified_name
from harness.tests.symbols.test_declarators import children

CPP = FIXTURES / "cpp"


def named(scopes: list[Scope]) -> set[str]:
    return {qualified_name(scope) or scope.name for scope in scopes}


def spelled(scopes: list[Scope]) -> set[tuple[str, str, str]]:
    """Return the type of every symbol, but for `this`, which is `const` in one compiler only."""
    return {
        (qualified_name(scope) or scope.name, symbol.name.strip("_"), symbol.type)
        for scope in scopes
        for symbol in scope.symbols
        if symbol.name not in ("this", "__closure")
    }


@pytest.mark.parametrize("variant", ["lto", "dwz"])
def test_functions_and_types_have_the_names_they_have_alone(variant: str) -> None:
    alone, _ = children(CPP / "across.so")
    across, _ = children(CPP / f"across-{variant}.so")
    assert named(across) <= named(alone)
    assert spelled(across) <= spelled(alone)
    assert {"geo::area", "geo::pool<int>::allocate", "geo::nested::deep"} <= named(across)


@pytest.mark.parametrize(
    ("moved", "whole"), [("c/dwz.so", "c/dwarf4.so"), ("cpp/across-dwz.so", "cpp/across.so")]
)
def test_what_was_moved_into_partial_units_belongs_to_the_units_that_import_it(
    moved: str, whole: str
) -> None:
    """But for the order within a unit, all is as if nothing had been moved."""
    assert packages(moved) == packages(whole)


def packages(name: str) -> tuple[dict[str, list[str]], dict[str, int]]:
    with open_packages(str(FIXTURES / name)) as source:
        found = {
            package.scope.name: sorted(repr(to_builtins(child)) for child in package.children)
            for package in source.packages
        }
    return found, source.skipped


def test_a_method_declared_in_another_unit_is_a_method_of_its_type() -> None:
    scopes, _ = children(CPP / "across-lto.so")
    found = {qualified_name(scope): scope for scope in scopes if scope.name == "allocate"}
    assert {name: scope.scope_type for name, scope in found.items()} == {
        "geo::pool<int>::allocate": "method",
        "geo::pool<char>::allocate": "method",
    }
