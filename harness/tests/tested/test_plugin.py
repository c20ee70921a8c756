"""The pytest plugin, by a pytest of its own over tests that hold too much, fail, skip and crash."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from harness.tested.marks import Asked, asked_of
from harness.tested.stored import environment
from harness.tests.commands import ran

SOURCE = """
import asyncio, inspect, os, subprocess, sys, time
import pytest

@pytest.fixture(scope="session")
def rows():
    return [bytes(1000) for _ in range(5000)]

@pytest.mark.peak_heap("10 MiB")
def test_below(rows, tmp_path):
    assert tmp_path.is_dir()
    print(len(b"".join(rows)))

@pytest.mark.peak_heap("5 MB")
def test_above(rows):
    joined = b"".join(rows) + b"."
    assert joined

@pytest.mark.peak_heap("1 MiB")
def test_fails():
    print(100_000 * "long ", "said inside")
    assert [1] == [2]

@pytest.mark.peak_heap("1 MiB")
def test_skips():
    pytest.skip("not here")

@pytest.mark.peak_heap("1 KiB")
@pytest.mark.xfail(reason="known to be large", strict=True)
def test_known_to_be_large(rows):
    rows.copy()

@pytest.mark.peak_heap("1 MiB")
@pytest.mark.xfail(reason="known to fail", raises=ZeroDivisionError)
def test_known_to_fail():
    1 / 0

@pytest.mark.peak_heap("1 MiB")
def test_is_killed():
    os.kill(os.getpid(), 9)

@pytest.mark.peak_heap("1 MiB")
def test_never_returns():
    time.sleep(1000)

@pytest.mark.peak_heap("1 MiB")
def test_has_children():
    subprocess.run(["true"])

@pytest.mark.peak_heap("1 MiB")
def test_lacks_a_fixture(missing):
    pass

@pytest.mark.parametrize("count", [1000, 4000])
@pytest.mark.peak_heap(of="count", grows_less_than="100 B")
def test_grows(count):
    held = []
    held.extend(bytes(100 + n % 2) for n in range(count))

@pytest.mark.parametrize("count", [1000, 4000])
@pytest.mark.peak_heap(of="count", grows_less_than=0.5)
def test_is_flat(count):
    sum(bytes(1)[0] for _ in range(count))

@pytest.mark.peak_heap("1 KiB")
async def test_awaits():
    held = [bytes(1000)] * 9
    await asyncio.sleep(0)
    more = bytes(30_000)

@pytest.mark.peak_heap
def test_is_compared():
    held = [bytes(1000 + n) for n in range(9)]
"""
CONFTEST = """
import asyncio, inspect
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        return asyncio.run(pyfuncitem.obj(**pyfuncitem.funcargs)) is None
"""
LEAN = ("-p", "no:hypothesispytest", "-p", "no:xdist")


class Told(NamedTuple):
    """What a run of pytest said: in all, and of each test its outcome, message and peak."""

    output: str
    outcomes: dict[str, str]
    messages: dict[str, str]
    peaks: dict[str, int]


def tell(directory: Path, *options: str) -> Told:
    (directory / "test_it.py").write_text(SOURCE)
    (directory / "conftest.py").write_text(CONFTEST)
    command = [sys.executable, "-m", "pytest", "--junitxml=told.xml", "-rA", *options]
    done = ran(*command, cwd=directory)
    told = Told(done.stdout + done.stderr, {}, {}, {})
    if not (directory / "told.xml").exists():
        return told
    for case in ET.parse(directory / "told.xml").iter("testcase"):  # noqa: S314  our own
        name = case.attrib["name"]
        found = {"failure", "error", "skipped"} & {child.tag for child in case}
        told.outcomes[name] = found.pop() if found else "passed"
        for child in case:
            told.messages[name] = f"{child.get('message')}\n{child.text}"
        for one in case.iter("property"):
            told.peaks[name] = int(one.attrib["value"])
    return told


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    chosen = "below or above or fails or skips or killed or grows"
    return tell(tmp_path_factory.mktemp("told"), *LEAN, "-k", chosen)


def test_a_body_that_holds_more_than_its_limit_fails_and_its_lines_are_named(told: Told) -> None:
    assert told.outcomes["test_below"] == "passed"
    assert 5_400_000 < told.peaks["test_below"] < 5_410_000  # the fixture's are not in it
    assert told.outcomes["test_above"] == "failure"
    assert "above the limit of 4.8 MiB (5,000,000 bytes)" in told.messages["test_above"]
    assert 'test_it.py:16 test_above  joined = b"".join(rows)' in told.messages["test_above"]


def test_a_body_that_fails_or_skips_does_so_outside_in_its_own_words(told: Told) -> None:
    assert told.outcomes["test_fails"] == "failure"
    assert ">       assert [1] == [2]" in told.messages["test_fails"]
    assert "At index 0 diff: 1 != 2" in told.messages["test_fails"]
    assert "said inside" in told.output
    assert "... 434,477 characters" in told.output
    assert "call teardown" not in told.output
    assert told.outcomes["test_skips"] == "skipped"
    assert "not here" in told.messages["test_skips"]


def test_a_body_that_was_not_measured_is_no_pass(told: Told) -> None:
    assert told.outcomes["test_is_killed"] == "failure"
    assert "not measured: killed by SIGKILL" in told.messages["test_is_killed"]


def test_growth_with_a_parameter_is_judged_once_all_sizes_are_known(told: Told) -> None:
    assert told.outcomes["test_grows[1000]"] == "passed"
    assert told.outcomes["test_grows[4000]"] == "failure"
    growth = (told.peaks["test_grows[4000]"] - told.peaks["test_grows[1000]"]) / 3000
    assert f"grows by {growth:.3g} bytes for each count" in told.messages["test_grows[4000]"]
    assert "less than 100 was asked for" in told.messages["test_grows[4000]"]
    assert "held at the peak by:" in told.messages["test_grows[4000]"]


@pytest.mark.slow
def test_the_rest_of_what_pytest_knows_is_the_same_in_a_worker(told: Told, tmp_path: Path) -> None:
    chosen = "known or children or lacks or flat or awaits or below or above or grows or never"
    again = tell(tmp_path, "-n", "2", "-k", chosen, "--peak-heap-timeout", "30")
    assert again.outcomes["test_known_to_be_large"] == "skipped"
    assert again.outcomes["test_known_to_fail"] == "skipped"
    assert "not measured: not finished after 30 s" in again.messages["test_never_returns"]
    assert "done in a child process" in again.messages["test_has_children"]
    assert "fixture 'missing' not found" in again.messages["test_lacks_a_fixture"]
    assert again.outcomes["test_is_flat[4000]"] == "passed"
    assert "test_awaits  more = bytes(30_000)" in again.messages["test_awaits"]
    assert again.outcomes["test_grows[4000]"] != again.outcomes["test_grows[1000]"]
    same = ("test_above", "test_grows[1000]", "test_grows[4000]")
    assert {name: again.peaks[name] for name in same} == {name: told.peaks[name] for name in same}


@pytest.mark.slow
def test_a_stored_peak_is_what_the_next_is_compared_with(tmp_path: Path) -> None:
    compared = (*LEAN, "-k", "compared")
    none = tell(tmp_path, *compared)
    assert f"peak_heap.json has none of {environment()}" in none.messages["test_is_compared"]
    assert "1 peak stored in" in tell(tmp_path, *compared, "--peak-heap-update").output
    same = tell(tmp_path, *compared)
    assert same.outcomes == {"test_is_compared": "passed"}
    stored = json.loads((tmp_path / "peak_heap.json").read_text())
    name = "test_it.py::test_is_compared"
    assert stored == {environment(): {name: same.peaks["test_is_compared"]}}
    stored[environment()][name] //= 2
    (tmp_path / "peak_heap.json").write_text(json.dumps(stored))
    more = tell(tmp_path, *compared)
    assert "in peak_heap.json; 5 % are allowed" in more.messages["test_is_compared"]
    assert tell(tmp_path, *compared, "--peak-heap=report").outcomes == same.outcomes
    (tmp_path / "peak_heap.json").write_text("[]")
    assert "holds no stored peaks" in tell(tmp_path, *compared).messages["test_is_compared"]


def growing(number: int, growth_bytes: float) -> Asked:
    family = f"test_marks.py::test_{number} {{'name': 0}}"
    return Asked(of="count", size=5, family=family, growth_bytes=growth_bytes)


REFUSED = {
    '("10 Mib/s")': "'10 Mib/s' is not a size",
    "(limt=3)": "it has no argument 'limt' — did you mean 'limit'?",
    '(of="rows", grows_less_than="2 B")': "the test has no parameter 'rows'",
    '(of="count")': "growth is asked for by two arguments",
    '(of="name", grows_less_than=2)': "name is 'a' — let it be a number",
    '(tolerance="five")': "tolerance 'five' is no percentage",
    "(1, 2)": "it takes one limit",
}
MEANT = {
    '("10 MiB")': Asked(limit_bytes=10_485_760),
    '("10 MB")': Asked(limit_bytes=10_000_000),
    "(4096)": Asked(limit_bytes=4096),
    "": Asked(tolerance_pct=5.0),
    '(10, tolerance="2 %")': Asked(limit_bytes=10, tolerance_pct=2.0),
    '(of="count", grows_less_than="2 B")': growing(12, 2.0),
    '(of="count", grows_less_than="1 KiB")': growing(13, 1024.0),
    '(of="count", grows_less_than="0.5")': growing(14, 0.5),
}


class _Items:
    """Keeps what is collected."""

    def __init__(self) -> None:
        self.found: list[pytest.Item] = []

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self.found.append(item)


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pytest.Item]:
    """Collect a test for every mark, in one go."""
    path = tmp_path_factory.mktemp("marks") / "test_marks.py"
    tests = [
        "@pytest.mark.parametrize(('count', 'name'), [(5, 'a')])\n"
        f"@pytest.mark.peak_heap{mark}\ndef test_{number}(count, name): pass\n"
        for number, mark in enumerate([*REFUSED, *MEANT])
    ]
    path.write_text("import pytest\n" + "".join(tests))
    items = _Items()
    options = ["--collect-only", "-qq", "--rootdir", str(path.parent), "--import-mode=importlib"]
    pytest.main([*LEAN, "-p", "no:cacheprovider", *options, str(path)], plugins=[items])
    return dict(zip([*REFUSED, *MEANT], items.found, strict=True))


@pytest.mark.parametrize(("mark", "problem"), REFUSED.items())
def test_a_mark_that_cannot_be_is_one_line(
    mark: str, problem: str, marked: dict[str, pytest.Item]
) -> None:
    with pytest.raises(pytest.UsageError) as refused:
        asked_of(marked[mark])
    assert problem in str(refused.value)


@pytest.mark.parametrize(("mark", "asked"), MEANT.items())
def test_a_mark_means_what_it_says(mark: str, asked: Asked, marked: dict[str, pytest.Item]) -> None:
    assert asked_of(marked[mark]) == asked


def test_a_pytest_without_marked_tests_loads_nothing_for_them() -> None:
    code = (
        "import sys, pytest\n"
        "pytest.main(['--version'])\n"
        "import harness.tested.plugin\n"
        "print(*sys.modules, sep='\\n')"
    )
    command = [sys.executable, "-c", code]
    loaded = ran(*command, check=True).stdout.split()
    ours = {name for name in loaded if name.partition(".")[0] == "harness"}
    assert ours <= {"harness", "harness.tested", "harness.tested.plugin"}
    assert not {"pandas", "rich", "typer", "memray", "pydantic"} & set(loaded)
