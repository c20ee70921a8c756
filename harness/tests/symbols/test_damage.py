"""For any damage to a real binary, extraction ends, and ends in packages or InputRejected."""

from __future__ import annotations

import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.config import MIB, Limits, SymbolOptions
from harness.errors import InputRejected
from harness.symbols import open_packages
from harness.symbols.dwarf.strings import CUT
from harness.tests.symbols import crafted
from harness.tests.symbols.binaries import ELF_FILES, FIXTURES, drain_file, name_of

OPTIONS = SymbolOptions(limits=Limits(inflated_bytes=1 << 22, cpu_s=5.0))
# What a hang is: far beyond the limit of the time, so that a busy machine is none.
ALARM_S = 60.0
FEW = settings(derandomize=True)  # of the profile: ten quick ones, and two hundred
# Files that need another one beside them are damaged where both are.
ALONE = [
    path
    for path in ELF_FILES
    if path.parent.name != "elsewhere" or path.name in ("module.ko", "zstd.so")
]
each_binary = pytest.mark.parametrize("path", ALONE, ids=name_of)


class HangError(BaseException):
    """Extraction does not end; nothing on the way takes it for damage."""


@contextmanager
def bounded(more_bytes: int) -> Iterator[None]:
    """Let the block fail when it hangs, or asks for so much more memory than the process has."""

    def ring(_number: int, _frame: FrameType | None) -> NoReturn:
        raise HangError

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, ring)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more_bytes, hard))
    signal.setitimer(signal.ITIMER_REAL, ALARM_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGALRM, before)


def drain(content: bytes) -> None:
    with suppress(InputRejected):
        drain_content(content, OPTIONS)


def drain_content(content: bytes, options: SymbolOptions) -> None:
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        file.write(content)
        file.flush()
        drain_file(Path(file.name), options)


@each_binary
def test_truncation_is_rejected_or_survived(path: Path) -> None:
    content = path.read_bytes()

    @given(cut=st.floats(0, 1))
    @FEW
    def check(cut: float) -> None:
        drain(content[: int(len(content) * cut)])

    with bounded(64 * MIB):
        check()


@each_binary
def test_changed_bytes_are_rejected_or_survived(path: Path) -> None:
    content = path.read_bytes()

    @given(changes=st.lists(st.tuples(st.floats(0, 0.999999), st.integers(0, 255)), max_size=8))
    @FEW
    def check(changes: list[tuple[float, int]]) -> None:
        mutant = bytearray(content)
        for place, value in changes:
            mutant[int(len(mutant) * place)] = value
        drain(bytes(mutant))

    with bounded(64 * MIB):
        check()


@pytest.mark.parametrize(
    "language",
    [
        pytest.param(crafted.C, id="c"),
        # One reader follows all three; `tox -e slow` tries that it stays so.
        pytest.param(crafted.CPP, id="cpp", marks=pytest.mark.slow),
        pytest.param(crafted.RUST, id="rust", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    ("make", "sizes", "limits", "reason"),
    [
        (crafted.line_rows, (3_000_000,), Limits(line_rows=1000), "more than 1000 line rows"),
        (crafted.line_rows, (30_000_000,), Limits(cpu_s=0.2), r"not read after 0\.2 s of CPU"),
        (crafted.line_rows, (3_000_000,), Limits(inflated_bytes=MIB), "more than 1048576 bytes"),
        (crafted.shared_ranges, (2000, 200_000), Limits(), "range list of more than 100000"),
        (crafted.shared_ranges, (2000, 90_000), Limits(cpu_s=0.2), r"not read after 0\.2 s"),
        (crafted.shared_ranges, (2000, 90_000), Limits(), "more than 1,000,000 variables"),
        (crafted.shared_locations, (9, 200_000), Limits(), "location list of more than 100000"),
        (crafted.shared_locations, (2000, 90_000), Limits(cpu_s=0.2), r"not read after 0\.2 s"),
        (crafted.shared_text, (5000, 60_000), Limits(output_bytes=MIB), "scopes of more than 104"),
        (crafted.holes, (90_000, 9), Limits(cpu_s=0.2), r"not read after 0\.2 s"),
    ],
    ids=["rows", "rows in time", "inflated", "ranges", "ranges in time", "ranges in memory",
         "locations", "locations in time", "output", "holes in time"],
)  # fmt: skip
def test_a_unit_made_to_get_past_a_limit_does_not(
    make: Callable[..., bytes], sizes: tuple[int, ...], limits: Limits, reason: str, language: int
) -> None:
    content = make(*sizes, language=language)
    with pytest.raises(InputRejected, match=reason), bounded(256 * MIB):
        drain_content(content, SymbolOptions(limits=limits))


@pytest.mark.parametrize(
    ("content", "limits", "reason"),
    [
        (crafted.empty_units(1_000_000), Limits(), "a unit of 0 bytes, shorter than its header"),
        (crafted.empty_units(1_000_000, length=7), Limits(dies=1000), "more than 1000 entries"),
        (crafted.shared_name(2000, 256 * 1024), Limits(), "it has no .debug_info"),
    ],
    ids=["no unit", "units", "names"],
)
def test_a_file_made_to_get_past_a_limit_does_not(
    content: bytes, limits: Limits, reason: str
) -> None:
    with pytest.raises(InputRejected, match=reason), bounded(256 * MIB):
        drain_content(content, SymbolOptions(limits=limits))


@pytest.mark.parametrize(
    "content",
    [
        crafted.line_rows(30),
        crafted.shared_ranges(3, 5),
        crafted.shared_locations(3, 5),
        crafted.shared_text(3, 5),
        crafted.holes(5_000, 40),
    ],
    ids=["rows", "ranges", "locations", "text", "holes"],
)
def test_a_file_made_alike_within_the_limits_is_read(content: bytes) -> None:
    drain_content(content, SymbolOptions())


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
    options = SymbolOptions(limits=Limits(cpu_s=0.0))
    path = str(FIXTURES / "c" / "dwarf5.so")
    with (
        pytest.raises(InputRejected, match="still not read after 0 s"),
        open_packages(path, options) as source,
    ):
        list(source.packages)


def test_time_that_the_consumer_takes_is_not_counted_against_the_file() -> None:
    """Before the first package, at a child, and after the last child of a package."""
    options = SymbolOptions(limits=Limits(cpu_s=1.0))
    with open_packages(str(FIXTURES / "c" / "dwarf5.so"), options) as source:
        time.sleep(0.5)
        for package in source.packages:
            next(package.children)
            time.sleep(0.5)
            assert list(package.children)
            time.sleep(0.5)
