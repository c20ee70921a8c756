"""For any damage to a real binary, extraction ends, and ends in packages or InputRejected."""

from __future__ import annotations

import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
ABOUT_THE_WHOLE_FILE = ("no DWARF", "nothing was extracted", "not an ELF file")
# What a hang is: far beyond the limit of the time, so that a busy machine is none.
ALARM_S = 60.0
# One reader follows all three; `tox -e slow` tries that it stays so.
OTHERS = [pytest.param(one, marks=pytest.mark.slow) for one in (crafted.CPP, crafted.RUST)]
LANGUAGES = st.sampled_from((crafted.C, crafted.CPP, crafted.RUST))
FEW = settings(derandomize=True)  # of the profile: ten quick ones, and two hundred
# Files that need another one beside them are damaged where both are.
ALONE = [
    path
    for path in ELF_FILES
    if path.parent.name != "elsewhere" or path.name in ("module.ko", "zstd.so")
]


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
    """Extract everything; of damage, the place is told, and not in the words of Python."""
    said: InputRejected | None = None
    try:
        drain_content(content, OPTIONS)
    except InputRejected as error:
        said = error
    if said is not None:
        placed = said.section or said.offset is not None or said.unit is not None
        assert placed or said.reason.startswith(ABOUT_THE_WHOLE_FILE)
        assert "Error(" not in str(said)


def drain_content(content: bytes, options: SymbolOptions) -> None:
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        file.write(content)
        file.flush()
        drain_file(Path(file.name), options)


@contextmanager
def out_of_time(cpu_s: float) -> Iterator[SymbolOptions]:
    """Let the block fail unless the limit ends its extraction, not much later than it says."""
    begun = time.thread_time()
    with pytest.raises(InputRejected, match="still not read after"), bounded(256 * MIB):
        yield SymbolOptions(limits=Limits(cpu_s=cpu_s))
    assert time.thread_time() - begun < 10 * cpu_s + 0.5


@pytest.mark.parametrize("path", ALONE, ids=name_of)
def test_what_is_cut_off_or_changed_is_rejected_or_survived(path: Path) -> None:
    content = path.read_bytes()

    @given(cut=st.floats(0, 1))
    @FEW
    def cut_off(cut: float) -> None:
        drain(content[: int(len(content) * cut)])

    @given(changes=st.lists(st.tuples(st.floats(0, 0.999999), st.integers(0, 255)), max_size=8))
    @FEW
    def change(changes: list[tuple[float, int]]) -> None:
        mutant = bytearray(content)
        for place, value in changes:
            mutant[int(len(mutant) * place)] = value
        drain(bytes(mutant))

    with bounded(64 * MIB):
        cut_off()
        change()


@pytest.mark.parametrize("language", [crafted.C, *OTHERS])
@pytest.mark.parametrize(
    ("make", "sizes", "limits", "reason"),
    [
        (crafted.line_rows, (3_000_000,), Limits(line_rows=1000), "more than 1000 line rows"),
        (crafted.line_rows, (3_000_000,), Limits(inflated_bytes=MIB), "more than 1048576 bytes"),
        (crafted.shared_ranges, (2000, 200_000), Limits(), "range list of more than 100000"),
        (crafted.shared_ranges, (2000, 90_000), Limits(), "more than 1,000,000 variables"),
        (crafted.shared_locations, (9, 200_000), Limits(), "location list of more than 100000"),
        (crafted.shared_text, (5000, 60_000), Limits(output_bytes=MIB), "scopes of more than 104"),
    ],
    ids=["rows", "inflated", "ranges", "ranges in memory", "locations", "output"],
)
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
        (crafted.declarations(100_001, 0), Limits(), "more than 100,000 abbreviations"),
        (crafted.declarations(1, 3000), Limits(), "or one of more than 4,096 bytes"),
        (crafted.declarations(1, 3_000_000), Limits(), "an abbreviation table without end"),
    ],
    ids=["no unit", "units", "names", "declarations", "attributes", "table"],
)
def test_a_file_made_to_get_past_a_limit_does_not(
    content: bytes, limits: Limits, reason: str
) -> None:
    with pytest.raises(InputRejected, match=reason), bounded(256 * MIB):
        drain_content(content, SymbolOptions(limits=limits))


@pytest.mark.parametrize(
    ("make", "small", "least"),
    [
        (crafted.line_rows, (30,), (2_000_000,)),
        (crafted.shared_ranges, (3, 5), (400, 50_000)),
        (crafted.shared_locations, (3, 5), (400, 50_000)),
        (crafted.holes, (500, 4), (45_000, 9)),
        (crafted.nested, (3, 5), (400, 100)),
        (crafted.declarations, (3, 5), (40_000, 20)),
        (crafted.old_files, (3,), (1_000_000,)),
        (crafted.files, (3,), (1_000_000,)),
    ],
)
def test_whatever_its_size_a_table_takes_no_longer_than_the_limit(
    make: Callable[..., bytes], small: tuple[int, ...], least: tuple[int, ...]
) -> None:
    drain_content(make(*small), SymbolOptions())  # which is read: nothing else about it is wrong

    @given(factor=st.floats(1, 2), cpu_s=st.floats(0.01, 0.05), language=LANGUAGES)
    @settings(FEW, max_examples=settings().max_examples // 5)
    def check(factor: float, cpu_s: float, language: int) -> None:
        content = make(*(int(size * factor) for size in least), language=language)
        with out_of_time(cpu_s) as options:
            drain_content(content, options)

    check()


@pytest.mark.parametrize("name", ["c/dwarf5.so", "cpp/dwarf4.so", "rust/dwarf5.so"])
def test_a_string_beyond_the_limit_is_cut_and_counted(name: str) -> None:
    options = SymbolOptions(limits=Limits(string_bytes=4))
    with open_packages(str(FIXTURES / name), options) as source:
        names = [child.name for package in source.packages for child in package.children]
    assert all(len(part) <= 4 for part in names if "::" not in part)
    assert source.skipped[CUT] > 0


def test_time_that_the_consumer_takes_is_not_counted_against_the_file() -> None:
    """Before the first package, at a child, and after the last child of a package."""
    options = SymbolOptions(limits=Limits(cpu_s=0.2))
    with open_packages(str(FIXTURES / "c" / "dwarf5.so"), options) as source:
        work(0.08)
        for package in source.packages:
            next(package.children)
            work(0.08)
            assert list(package.children)
            work(0.08)


def work(cpu_s: float) -> None:
    end = time.thread_time() + cpu_s
    while time.thread_time() < end:
        pass
