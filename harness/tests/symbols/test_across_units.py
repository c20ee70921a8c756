"""What one unit has for another is named as if each unit had its own."""

from __future__ import annotations

import pytest

from harness.model import Scope
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


def test_a_method_declared_in_another_unit_is_a_method_of_its_type() -> None:
    scopes, _ = children(CPP / "across-lto.so")
    found = {qualified_name(scope): scope for scope in scopes if scope.name == "allocate"}
    assert {name: scope.scope_type for name, scope in found.items()} == {
        "geo::pool<int>::allocate": "method",
        "geo::pool<char>::allocate": "method",
    }
