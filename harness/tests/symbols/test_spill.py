"""Sorted keys and records in files behave like a sorted list and a dictionary."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.symbols.spill import Records, SortedKeys


def sealed(keys: list[int]) -> SortedKeys:
    index = SortedKeys()
    for key in keys:
        index.add(key)
    index.seal()
    return index


@given(st.lists(st.integers(0, 50)), st.integers(0, 60), st.integers(0, 60))
def test_for_all_keys_a_range_holds_what_a_sorted_list_would(
    keys: list[int], low: int, high: int
) -> None:
    index = sealed(keys)
    assert list(index.iter_range(low, high)) == sorted(k for k in keys if low <= k < high)
    index.close()


@pytest.fixture(scope="module")
def many() -> Iterator[tuple[list[int], SortedKeys]]:
    dice = random.Random(7)
    keys = [dice.randrange(1 << 40) for _ in range(30_000)] + [5 << 30] * 700
    index = sealed(keys)
    yield sorted(keys), index
    index.close()


@pytest.mark.parametrize("share", range(0, 11, 2))
def test_ranges_of_a_spilled_index_are_exact(
    many: tuple[list[int], SortedKeys], share: int
) -> None:
    keys, index = many
    low, high = (1 << 40) * share // 11, (1 << 40) * (share + 3) // 11
    assert list(index.iter_range(low, high)) == [key for key in keys if low <= key < high]


def test_equal_keys_that_span_blocks_all_come_back(many: tuple[list[int], SortedKeys]) -> None:
    _, index = many
    assert list(index.iter_range(5 << 30, (5 << 30) + 1)) == [5 << 30] * 700


def test_records_come_back_whole_whatever_their_size() -> None:
    records = Records()
    contents = [b"", b"x", b"y" * 251, b"z" * 252, b"w" * 100_000, b"end"]
    positions = [records.append(content) for content in contents]
    records.seal()
    assert [records.read(position) for position in reversed(positions)] == contents[::-1]
    records.close()
