"""The reference output for two real programs, function by function.

An extract of it is committed; HARNESS_ORACLE names a folder with all of it. The programs are
rebuilt from the pinned toolchain, which needs the package registry once.
"""

import os
from pathlib import Path

import pytest

from harness.config import SymbolOptions
from harness.tests.symbols.go.demo import extract
from harness.tests.symbols.go.oracle import compare, read_reference
from harness.tests.symbols.go.rebuild import SHA256, VERSION, rebuild

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
