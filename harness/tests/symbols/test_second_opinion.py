"""What extraction says of functions is what gdb and a walk by pyelftools were recorded to say."""

from __future__ import annotations

import posixpath
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from harness.model import Scope
from harness.tests.symbols.agreement import compare, differing, extracted, iter_symbols
from harness.tests.symbols.binaries import FIXTURES
from harness.tests.symbols.second_opinion import Told, recorded


class Difference(NamedTuple):
    """One field of one function, as both spell it."""

    binary: str
    field: str
    ours: str
    theirs: str


# Why they differ, how often, and which differences are of the kind; the first kind counts.
_KINDS: dict[str, tuple[int, Callable[[Difference], bool]]] = {
    "gdb and the walk show what was discarded where other code is at 0 (DECISIONS.md, 79)": (
        8,
        lambda one: one.binary == "c/dead-5-at-0",
    ),
    "gdb takes an inlined instance without the line of its call for a block": (
        1,
        lambda one: (one.binary, one.field) == ("c/dwarf2.so", "lines"),
    ),
    "gdb names the unit's file where neither a declaration nor a line has one": (
        1,
        lambda one: one.field == "file" and not one.ours,
    ),
    "gdb gives closures and unnamed types no name, or one that only the linker needs": (
        29,
        lambda one: bool(re.search(r"\{\.\.\.|\$_|\{lambda|\{unnamed", one.theirs)),
    ),
    "gdb leaves out the function that a type, closure or outlined body stands in": (
        13,
        lambda one: one.theirs.startswith(one.ours.rpartition("::")[2]),
    ),
    "gdb writes the parameters of the function that a type stands in": (
        1,
        lambda one: one.ours == re.sub(r"\(\w*\)", "", one.theirs),
    ),
    "gdb writes references of Rust as pointers": (
        10,
        lambda one: re.sub("&(mut)?", "", one.ours) == one.theirs.rstrip("*"),
    ),
    "gdb writes the hidden parameter of methods that pointers lead to, and loses a const": (
        3,
        lambda one: "outer::base::*" in one.ours and "outer::base::*" in one.theirs,
    ),
    "gdb takes a conversion's name from the linkage name; clang writes a shorter one": (
        1,
        lambda one: one.ours.endswith("::operatorcoroutine_handle"),
    ),
    "gdb shows what a pointer type with a name is made of": (
        1,
        lambda one: (one.ours, one.theirs) == ("__builtin_va_list", "char*"),
    ),
}


def spelled(name: str) -> str:
    """Return a name or a type as both spell it: gdb has `struct` in C, `long` for `long int`."""
    name = name.replace("[variable length]", "[]").replace("(void)", "()")
    name = re.sub(r"\b(class|struct|union|enum) ", "", name)
    name = re.sub(r"\b(long|short) (unsigned )?int\b", r"\2\1", name)
    return re.sub(r"\s", "", name)


def compared(scope: Scope, told: Told) -> Iterator[tuple[str, str, str]]:
    """Yield fields as extraction and gdb have them.

    Of lines, those that only gdb has count: ours include the lines of calls that were inlined. Of
    locals, those that both have: gdb also shows those of blocks without code.
    """
    gdb, specifics = told.gdb, scope.language_specifics
    yield "name", spelled(specifics.qualified_name if specifics else ""), spelled(gdb["name"])
    yield "file", scope.source_file, posixpath.normpath(gdb["file"])
    lines = {line for one in scope.injectible_lines for line in range(one.start, one.end + 1)}
    yield "lines", "[]", str(sorted(set(gdb["lines"]) - lines))
    arguments = list(iter_symbols(scope, "arg"))
    names = ",".join(one.name for one in arguments)
    yield "parameters", names, ",".join(name for name, _ in gdb["parameters"])
    for one, (_, of) in zip(arguments, gdb["parameters"], strict=False):
        yield "type", spelled(one.type), spelled(of)
    known = defaultdict(set)
    for name, of in gdb["variables"]:
        known[name].add(spelled(of))
    for one in iter_symbols(scope, "local"):
        found = known[one.name]
        ours = spelled(one.type)
        yield "type", ours, ours if ours in found else ",".join(sorted(found))


def same(field: str, ours: str, theirs: str) -> bool:
    """Tell whether both say the same; gdb's names of C++ end in the parameters."""
    return ours == theirs or (
        field == "name" and bool(re.fullmatch(re.escape(ours) + r"\(.*\)(const)?", theirs))
    )


def _differences() -> Iterator[Difference]:
    for binary, functions in recorded().items():
        ours = extracted(str(FIXTURES / binary))
        for told in functions:
            scopes = ours.get((told.package, told.key), [])
            if len(scopes) != 1:
                yield Difference(binary, "function", "", told.key)
                continue
            for field in differing(scopes[0], told.function()):
                yield Difference(binary, field, "", "pyelftools")
            for field, one, other in compared(scopes[0], told):
                if not same(field, one, other):
                    yield Difference(binary, field, one, other)


def test_where_gdb_or_a_walk_by_pyelftools_differs_the_reason_is_known() -> None:
    met = Counter(
        next((reason for reason, (_, is_of) in _KINDS.items() if is_of(one)), str(one))
        for one in _differences()
    )
    assert met == {reason: count for reason, (count, _) in _KINDS.items()}


@pytest.mark.parametrize("name", ["cpp/dwarf4.so", "rust/dwarf5.so"])
def test_every_field_of_every_function_agrees_with_an_independent_walk(name: str) -> None:
    compared, wrong = compare(FIXTURES / name, 1000, random.Random(0))
    assert (compared > 0, wrong["any"]) == (True, 0)
