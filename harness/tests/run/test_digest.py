"""Equal outputs have equal digests, whatever form they come in; others do not."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from harness.run.digest import Digest, NoDigest, size_of

TEXT = b"text that is long enough for gzip to matter" * 99


@dataclass
class Point:
    x: int
    y: int


class Place(msgspec.Struct):
    x: int


HOLDS_ITSELF: list[Any] = []
HOLDS_ITSELF.append(HOLDS_ITSELF)


def digest(value: Any) -> str:
    found = Digest()
    found.feed(value)
    return found.with_files(Path(), [])


def zipped(data: bytes, level: int = 6, mtime: int = 7) -> bytes:
    return gzip.compress(data, level, mtime=mtime)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: [1, "a", None], lambda: iter([1, "a", None])),
        (lambda: (1, "a"), lambda: [1, "a"]),
        (lambda: {"a": 1, "b": 2}, lambda: {"b": 2, "a": 1}),
        (lambda: {1, 2, 3}, lambda: frozenset([3, 2, 1])),
        (lambda: TEXT, lambda: bytearray(TEXT)),
        (lambda: TEXT, lambda: io.BytesIO(TEXT)),
        (lambda: TEXT, lambda: (TEXT[at : at + 7] for at in range(0, len(TEXT), 7))),
        (lambda: TEXT, lambda: [TEXT[:1], TEXT[1:]]),
        (lambda: TEXT, lambda: zipped(TEXT)),
        (lambda: zipped(TEXT, 1, 2), lambda: zipped(TEXT, 9, 3)),
        (lambda: TEXT, lambda: zipped(TEXT[:50]) + zipped(TEXT[50:])),
        (lambda: zipped(TEXT), lambda: (bytes([one]) for one in zipped(TEXT))),
        (lambda: np.arange(6).reshape(2, 3), lambda: np.arange(6).reshape(2, 3).copy(order="F")),
        (lambda: [{"a": [1, 2]}], lambda: iter([{"a": (1, 2)}])),
        (lambda: Point(1, 2), lambda: Point(1, 2)),
    ],
)
def test_the_same_output_has_the_same_digest(
    one: Callable[[], Any], other: Callable[[], Any]
) -> None:
    assert digest(one()) == digest(other())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2], [2, 1]),
        (["ab", "c"], ["a", "bc"]),
        (1, True),
        (1, 1.0),
        ("a", b"a"),
        ([], {}),
        ([[1], 2], [[1, 2]]),
        (TEXT, TEXT[:-1]),
        (zipped(TEXT)[:-9], zipped(TEXT)),
        (np.arange(6), np.arange(6).reshape(2, 3)),
        (np.arange(6, dtype="i4"), np.arange(6, dtype="i8")),
        (Point(1, 2), Point(2, 1)),
        (Place(1), {"x": 1}),
        ({"a": 1}, [("a", 1)]),
    ],
)
def test_another_output_has_another_digest(one: Any, other: Any) -> None:
    assert digest(one) != digest(other)


def test_what_is_written_counts_by_name_and_by_what_a_gzip_file_holds(tmp_path: Path) -> None:
    def written(name: str, data: bytes) -> str:
        (tmp_path / name).write_bytes(data)
        return Digest().with_files(tmp_path, [tmp_path / name])

    same = written("a", TEXT)
    assert written("a", zipped(TEXT)) == same
    assert written("a", TEXT + b".") != same
    assert written("b", TEXT) != same
    assert not Digest().with_files(tmp_path, [])


@pytest.mark.parametrize(
    "value",
    [
        HOLDS_ITSELF,
        pd.DataFrame({"a": [1]}),
        object(),
        np.array([object()]),
        [object()],
        Path("/gone"),
    ],
)
def test_what_nobody_can_tell_apart_has_no_digest(value: Any) -> None:
    with pytest.raises(NoDigest, match=r"--digest|cannot be read"):
        digest(value)


@pytest.mark.parametrize(
    ("value", "size_bytes"),
    [
        (b"abc", 3),
        ("abc", 3),
        ("é", 2),
        (io.BytesIO(b"abc"), 3),
        (np.zeros(3), 24),
        (None, 0),
        ([1, 2], 0),
    ],
)
def test_the_size_of_an_output_is_known_where_it_is_bytes(value: Any, size_bytes: int) -> None:
    assert size_of(value) == size_bytes
