"""Packages of a real Go program, against output that was checked by hand.

Line numbers were checked with `go tool objdump`, variables and their ranges with llvm-dwarfdump.
"""

import tracemalloc
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.config import MIB, SymbolOptions
from harness.model import count_functions
from harness.symbols import open_packages
from harness.symbols import source as source_module
from harness.tests.symbols.go.demo import Tree, extract, golden, whole
from harness.tests.symbols.go.oracle import compare

MODULE = "example.com/demo"
LIBRARY = f"{MODULE}/shape.v2"


@pytest.fixture(scope="module")
def skipped() -> dict[str, int]:
    return {}


@pytest.fixture(scope="module")
def everything(program: Path, skipped: dict[str, int]) -> list[Tree]:
    return list(extract(program, SymbolOptions(), skipped))


def _functions(packages: list[Tree]) -> Iterator[tuple[str, Tree]]:
    for package in packages:
        for child in package["scopes"]:
            for function in (
                child.get("scopes", ()) if child["scope_type"] == "struct" else (child,)
            ):
                yield package["name"], function


def test_the_main_module_is_as_checked_by_hand(program: Path) -> None:
    assert list(extract(program, SymbolOptions(scope="main"))) == golden()


def test_the_comparison_with_reference_output_sees_every_difference() -> None:
    changed = golden()
    function = next(function for _, function in _functions(changed) if function.get("symbols"))
    function["symbols"][0]["line"] += 1
    function["injectible_lines"].pop()
    agreement = compare(golden(), changed)
    assert agreement.functions - agreement.identical == 1
    assert set(agreement.differing) == {"injectible", "variables", "availability"}
    assert compare(golden(), golden()).availability == 1.0


def test_the_organisation_of_an_unknown_host_is_everything(
    program: Path, everything: list[Tree]
) -> None:
    with open_packages(str(program), SymbolOptions(scope="org")) as source:
        names = [package.scope.name for package in source.packages]
    assert names == [package["name"] for package in everything]


def test_every_package_comes_once_and_holds_something(everything: list[Tree]) -> None:
    names = Counter(package["name"] for package in everything)
    assert set(names.values()) == {1}
    assert {"main", LIBRARY, "runtime", "os"} <= set(names)
    assert all(package["scopes"] for package in everything)


def test_children_are_sorted_together_by_name(everything: list[Tree]) -> None:
    for package in everything:
        names = [child["name"] for child in package["scopes"]]
        assert names == sorted(names)


def test_what_is_left_out_is_counted_with_its_reason(
    everything: list[Tree], skipped: dict[str, int]
) -> None:
    assert everything
    assert skipped["function: trampoline"] > 0
    assert skipped["inlined instance: far from its definition"] > 0
    assert {reason.partition(": ")[0] for reason in skipped} <= {
        "function", "inlined instance", "unit", "variable"
    }  # fmt: skip


def test_by_index_every_function_is_in_its_own_package(program: Path) -> None:
    packages = list(extract(program, SymbolOptions(scope="main", inlines="index")))
    for package, function in _functions(packages):
        qualified = function["language_specifics"]["go_qualified_name"].replace("%2e", ".")
        assert qualified.startswith(package + ".")
    names = {(package, function["name"]) for package, function in _functions(packages)}
    assert (LIBRARY, "NewBox") in names


def test_by_index_nothing_is_lost_that_by_unit_is_there(
    program: Path, everything: list[Tree]
) -> None:
    by_index = extract(program, SymbolOptions(inlines="index"))
    names = [
        Counter(f["language_specifics"]["go_qualified_name"] for _, f in _functions(packages))
        for packages in (everything, list(by_index))
    ]
    assert names[0] == names[1]


def test_large_packages_come_in_parts_that_join_again(
    program: Path, everything: list[Tree], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "MOST_FUNCTIONS", 100)
    joined: list[Tree] = []
    parts = 0
    for part in extract(program, SymbolOptions(agent_version="7")):
        specifics = part.pop("language_specifics")
        assert specifics.pop("agent_version") == "7"
        parts += 1
        if specifics.get("continuation"):
            assert part["name"] == joined[-1]["name"]
            joined[-1]["scopes"] += part["scopes"]
        else:
            joined.append(part)
    assert joined == everything
    assert parts > len(joined)


def test_a_part_that_is_left_early_does_not_move_the_next(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "MOST_FUNCTIONS", 3)
    options = SymbolOptions(scope="main")
    complete = list(extract(program, options))
    with open_packages(str(program), options) as source:
        for number, package in enumerate(source.packages):
            if number % 2:
                assert whole(package) == complete[number]


def test_peak_heap_stays_far_below_what_is_delivered(program: Path) -> None:
    """Everything but the program's own module is walked and indexed, and none of it is kept."""
    list(extract(program, SymbolOptions(scope="main")))  # caches of imports and patterns
    tracemalloc.start()
    try:
        with open_packages(str(program), SymbolOptions(scope="main")) as source:
            for package in source.packages:
                deque(package.children, maxlen=0)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 2 * MIB


def test_functions_are_decoded_one_at_a_time(program: Path) -> None:
    with open_packages(str(program), SymbolOptions(scope="main")) as source:
        package = next(source.packages)
        assert package.scope.scopes == []
        assert count_functions(next(package.children)) == 1
