"""A package cache gives back what was put in, block by block, or is not believed."""

from __future__ import annotations

import errno
import gc
import os
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given

from harness.errors import InputRejected
from harness.model import LanguageSpecifics, LineRange, Package, Scope, Symbol, package_scope
from harness.run import recording, replay
from harness.run.recording import ListedPackages, write_replay
from harness.run.replay import WHOLE_BYTES, check_replay, open_replay, read_info
from harness.tests.pipelines import strategies
from harness.tests.pipelines.parcels import Parcel
from harness.tests.pipelines.parcels import iter_packages as packages_from
from harness.tests.run.packages import a_function, iter_packages


def write_package(path: Path, *scopes: Scope) -> None:
    write_replay(ListedPackages(packages_from([(package_scope("p"), [*scopes])])), path)


def a_large_function() -> Scope:
    inner = [a_function(f"i{n}", 40) for n in range(60)]
    return msgspec.structs.replace(a_function("large", 9), scopes=inner)


def packages_of(path: Path) -> list[tuple[str, Scope, list[Scope]]]:
    with open_replay(str(path)) as source:
        return [(p.language, p.scope, list(p.children)) for p in source.packages]


@pytest.mark.parametrize("whole_bytes", [0, 100, WHOLE_BYTES])
@given(parcels=strategies.packages)
def test_packages_come_back_as_they_were(
    whole_bytes: int, parcels: list[Parcel], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """For all packages, reading gives what was written, in order, however scopes were framed."""
    path = tmp_path_factory.mktemp("replay") / "r"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "WHOLE_BYTES", whole_bytes)
        write_replay(ListedPackages(packages_from(parcels), {"odd": 1}), path)
    assert packages_of(path) == [("go", *parcel) for parcel in parcels]
    info = check_replay(path)
    assert info is not None
    assert info.skipped == {"odd": 1}


def test_a_frame_larger_than_a_block_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "_BLOCK_BYTES", 64)
    path = tmp_path / "r"
    scopes = [a_function("f", count) for count in (0, 200, 1, 50, 0)]
    write_package(path, *scopes)
    assert packages_of(path) == [("go", package_scope("p"), scopes)]


def test_children_left_behind_are_skipped_not_taken_for_the_next_package(tmp_path: Path) -> None:
    path = tmp_path / "r"
    write_replay(ListedPackages(iter_packages(3, 5)), path)
    with open_replay(str(path)) as source:
        seen = [(package.scope.name, next(package.children).name) for package in source.packages]
    assert seen == [("pkg0", "f0_0"), ("pkg1", "f1_0"), ("pkg2", "f2_0")]


def test_a_prefix_that_ends_inside_a_large_scope_ends_before_it(tmp_path: Path) -> None:
    """No scope is delivered in part, whatever share of the file is asked for."""
    children = [a_function("first", 9), a_large_function(), a_function("last", 200)]
    path = tmp_path / "r"
    write_package(path, *children)
    lengths = set()
    for percent in range(101):
        with open_replay(str(path), percent / 100) as source:
            seen = [child for package in source.packages for child in package.children]
        assert seen == children[: len(seen)]
        lengths.add(len(seen))
    assert lengths == {0, 1, 2, 3}


def test_equal_strings_are_shared_when_a_large_scope_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "r"
    write_package(path, a_large_function())
    ((_, _, (scope,)),) = packages_of(path)
    symbols = [symbol for inner in scope.scopes for symbol in inner.symbols]
    assert len({id(symbol.type) for symbol in symbols}) == len({s.type for s in symbols})
    assert len({id(symbol.symbol_type) for symbol in symbols}) == 1


def test_variables_available_on_the_same_lines_share_what_says_so(tmp_path: Path) -> None:
    def variable(name: str, start: int) -> Symbol:
        specifics = LanguageSpecifics(available_line_ranges=(LineRange(start, 9),))
        return Symbol(name=name, type="int", symbol_type="local", language_specifics=specifics)

    function = a_function("f", 0)
    function.symbols = [variable("a", 1), variable("b", 2), variable("c", 1)]
    path = tmp_path / "r"
    write_package(path, function)
    ((_, _, (scope,)),) = packages_of(path)
    assert scope == function
    a, b, c = (symbol.language_specifics for symbol in scope.symbols)
    assert a is c
    assert a is not b


def test_reading_keeps_one_child_alive(tmp_path: Path) -> None:
    """Twenty times the packages, the same peak: everything read is let go of."""
    peaks = []
    for packages in (5, 100):
        path = tmp_path / str(packages)
        write_replay(ListedPackages(iter_packages(packages, 100)), path)
        with open_replay(str(path)) as source:
            gc.collect()
            tracemalloc.start()
            for package in source.packages:
                for _ in package.children:
                    pass
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.1


def _cut(data: bytearray) -> bytearray:
    return data[:-1]


def _flip_in_frames(data: bytearray) -> bytearray:
    data[len(data) // 2] ^= 1
    return data


def _flip_in_magic(data: bytearray) -> bytearray:
    data[-1] ^= 1
    return data


def _drop_a_frame_byte(data: bytearray) -> bytearray:
    del data[40]
    return data


@pytest.mark.parametrize(
    "damage", [_cut, _flip_in_frames, _flip_in_magic, _drop_a_frame_byte, lambda _: bytearray()]
)
def test_a_damaged_cache_is_not_believed(
    tmp_path: Path, damage: Callable[[bytearray], bytearray]
) -> None:
    path = tmp_path / "r"
    write_replay(ListedPackages(iter_packages(3, 5)), path)
    path.write_bytes(damage(bytearray(path.read_bytes())))
    assert check_replay(path) is None


def test_what_is_no_replay_file_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_text("hello" * 20)
    assert read_info(path) is None
    with pytest.raises(InputRejected, match="not a whole replay file"):
        open_replay(str(path))


def refuse_nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do as a network file system does."""
    really_open = os.open

    def refusing(path: str, flags: int, *more: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), path)
        return really_open(path, flags, *more)

    monkeypatch.setattr(os, "open", refusing)


@pytest.mark.parametrize("nameless", [True, False])
def test_a_source_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nameless: bool
) -> None:
    def failing() -> Iterator[Package]:
        yield from iter_packages(2, 3)
        raise InputRejected("truncated")

    if not nameless:
        refuse_nameless(monkeypatch)
    for _ in range(2):
        write_replay(ListedPackages(iter_packages(2, 3)), tmp_path / "r")
    with pytest.raises(InputRejected):
        write_replay(ListedPackages(failing()), tmp_path / "r")
    assert list(tmp_path.iterdir()) == [tmp_path / "r"]
    assert check_replay(tmp_path / "r") is not None


def test_a_process_that_is_killed_leaves_no_file(tmp_path: Path) -> None:
    def killing() -> Iterator[Package]:
        yield from iter_packages(2, 3)
        os.kill(os.getpid(), signal.SIGKILL)

    if not (pid := os.fork()):
        write_replay(ListedPackages(killing()), tmp_path / "r")
    os.waitpid(pid, 0)
    assert not list(tmp_path.iterdir())
