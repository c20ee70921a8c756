"""For any damage to a real binary, extraction ends, and ends in packages or InputRejected."""

from __future__ import annotations

import tempfile
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.config import Limits, SymbolOptions
from harness.errors import InputRejected
from harness.symbols import open_packages
from harness.symbols.dwarf.strings import CUT
from harness.tests.symbols.binaries import FIXTURES

PATHS = [
    FIXTURES / name
    for name in (
        *("c/dwarf4.so", "c/dwarf5.so", "c/compressed.so", "c/zdebug.so"),
        *("cpp/dwarf5.so", "rust/dwarf4.so"),
    )
]
OPTIONS = SymbolOptions(limits=Limits(inflated_bytes=1 << 22, wall_s=5.0))
FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def drain(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        file.write(content)
        file.flush()
        with suppress(InputRejected):
            drain_file(Path(file.name), OPTIONS)


def drain_file(path: Path, options: SymbolOptions) -> None:
    with open_packages(str(path), options) as source:
        for package in source.packages:
            deque(package.children, maxlen=0)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}-{path.stem}")
@given(cut=st.floats(0, 1))
@FEW
def test_truncation_is_rejected_or_survived(path: Path, cut: float) -> None:
    content = path.read_bytes()
    drain(content[: int(len(content) * cut)])


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}-{path.stem}")
@given(changes=st.lists(st.tuples(st.floats(0, 0.999999), st.integers(0, 255)), max_size=8))
@FEW
def test_changed_bytes_are_rejected_or_survived(
    path: Path, changes: list[tuple[float, int]]
) -> None:
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[int(len(content) * place)] = value
    drain(bytes(content))


def test_a_compressed_section_that_inflates_beyond_the_limit_is_rejected() -> None:
    options = SymbolOptions(limits=Limits(inflated_bytes=100))
    path = str(FIXTURES / "c" / "compressed.so")
    with pytest.raises(InputRejected, match="the limit is 100"), open_packages(path, options):
        pass


@pytest.mark.parametrize("name", ["c/dwarf5.so", "cpp/dwarf4.so", "rust/dwarf5.so"])
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(dies=5), "more than 5 entries"),
        (Limits(depth=1), "nested more than 1 deep"),
        (Limits(line_rows=0), "more than 0 line rows"),
    ],
    ids=["entries", "depth", "line rows"],
)
def test_an_input_beyond_a_limit_is_rejected(name: str, limits: Limits, reason: str) -> None:
    with pytest.raises(InputRejected, match=reason):
        drain_file(FIXTURES / name, SymbolOptions(limits=limits))


@pytest.mark.parametrize("name", ["c/dwarf5.so", "cpp/dwarf4.so", "rust/dwarf5.so"])
def test_a_string_beyond_the_limit_is_cut_and_counted(name: str) -> None:
    options = SymbolOptions(limits=Limits(string_bytes=4))
    with open_packages(str(FIXTURES / name), options) as source:
        names = [child.name for package in source.packages for child in package.children]
    assert all(len(part) <= 4 for part in names if "::" not in part)
    assert source.skipped[CUT] > 0


def test_an_input_that_takes_too_long_is_rejected() -> None:
    options = SymbolOptions(limits=Limits(wall_s=0.0))
    path = str(FIXTURES / "c" / "dwarf5.so")
    with (
        pytest.raises(InputRejected, match="still not read after 0 s"),
        open_packages(path, options) as source,
    ):
        list(source.packages)


def test_time_that_the_consumer_takes_is_not_counted_against_the_file() -> None:
    """Before the first package, at a child, and after the last child of a package."""
    options = SymbolOptions(limits=Limits(wall_s=1.0))
    with open_packages(str(FIXTURES / "c" / "dwarf5.so"), options) as source:
        time.sleep(0.5)
        for package in source.packages:
            next(package.children)
            time.sleep(0.5)
            assert list(package.children)
            time.sleep(0.5)
