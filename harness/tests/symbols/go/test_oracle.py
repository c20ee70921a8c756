"""The reference output for two real programs, function by function.

An extract of it is committed; HARNESS_ORACLE names a folder with all of it. The programs are
rebuilt from the pinned toolchain, which needs the package registry once.
"""

import os
import re
from pathlib import Path

import pytest

from harness.config import SymbolOptions
from harness.tests.symbols.go.demo import extract
from harness.tests.symbols.go.oracle import compare, read_reference
from harness.tests.symbols.go.rebuild import SHA256, VERSION, disassembled, rebuild

# It embeds a struct, and DWARF says so; the reference has lost the field.
DIFFERING_TYPES = {"context.todoCtx"}
WHOLE = bool(os.environ.get("HARNESS_ORACLE"))
REFERENCE = Path(os.environ.get("HARNESS_ORACLE") or Path(__file__).parent / "golden")


@pytest.mark.slow
@pytest.mark.parametrize("program", sorted(SHA256))
def test_reference_functions_and_types_are_found_and_identical(
    program: str, tmp_path: Path
) -> None:
    """Nearly all reference functions agree in everything, and no function or type is missing."""
    reference = REFERENCE / f"go{VERSION}-{program}.scopes.jsonl.xz"
    packages = extract(rebuild(program, tmp_path), SymbolOptions())
    agreement = compare(read_reference(reference), packages)
    print(agreement.summary())
    assert agreement.functions > (400 if WHOLE else 100)
    assert not agreement.missing
    assert not agreement.missing_types
    assert {name for name, _, _ in agreement.differing_types} <= DIFFERING_TYPES
    assert agreement.identity >= 0.995, agreement.summary()
    assert agreement.availability >= 0.99, agreement.summary()


@pytest.mark.slow
@pytest.mark.parametrize(("inlines", "most"), [("index", 0), ("unit", 100)])
def test_lines_of_a_function_are_those_that_objdump_has_in_its_file(
    tmp_path: Path, inlines: str, most: int
) -> None:
    """By unit, a few have a line of what is inlined into them, as the reference has it."""
    program = rebuild("gofmt", tmp_path)
    shown: dict[str, set[tuple[str, int]]] = {}
    for function, file, line in disassembled(program, tmp_path):
        shown.setdefault(re.sub(r"\[.*\]", "[...]", function), set()).add((file, line))
    compared, foreign = 0, []
    for package in extract(program, SymbolOptions(inlines=inlines)):
        for function in package["scopes"]:
            specifics = function.get("language_specifics", {})
            rows = shown.get(specifics.get("go_qualified_name", ""), set())
            file = Path(function.get("source_file", "")).name
            if not rows or not file.endswith(".go"):  # inlined everywhere, or in assembly
                continue
            ranges = function.get("injectible_lines", [])
            lines = {line for one in ranges for line in range(one["start"], one["end"] + 1)}
            compared += 1
            if not lines <= {line for name, line in rows if name == file}:
                foreign.append(function["name"])
    assert compared > 1000
    assert (not foreign) if not most else 0 < len(foreign) < most, foreign
