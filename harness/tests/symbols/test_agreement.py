"""What extraction says of functions is what an independent walk by pyelftools finds."""

from __future__ import annotations

import random

import pytest

from harness.tests.symbols.agreement import compare
from harness.tests.symbols.binaries import FIXTURES


@pytest.mark.parametrize("name", ["cpp/dwarf4.so", "rust/dwarf5.so"])
def test_every_field_of_every_function_agrees_with_an_independent_walk(name: str) -> None:
    compared, wrong = compare(FIXTURES / name, 1000, random.Random(0))
    assert (compared > 0, wrong["any"]) == (True, 0)
