"""Synthetic packages, as a source delivers them."""

from __future__ import annotations

from collections.abc import Iterator

from harness.model import LineRange, Package, Scope, Symbol, package_scope


def a_function(name: str, symbols: int = 4) -> Scope:
    return Scope(
        scope_type="function",
        name=name,
        source_file="/src/main.go",
        start_line=3,
        end_line=9,
        has_injectible_lines=True,
        injectible_lines=(LineRange(3, 9),),
        symbols=[
            Symbol(name=f"v{index}", type=f"*T{index % 3}", symbol_type="local", line=index)
            for index in range(symbols)
        ],
    )


def iter_packages(packages: int, functions: int) -> Iterator[Package]:
    for number in range(packages):
        children = (a_function(f"f{number}_{index}") for index in range(functions))
        yield Package(package_scope(f"pkg{number}"), "go", children)
