"""Names as they may be shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.labels import distinct, inert, shorten

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("libelf.so", "libelf.so", id="plain"),
        pytest.param("a b", "a b", id="space stays"),
        pytest.param("\x1b[31mred", "\\x1b[31mred", id="terminal colour"),
        pytest.param("one\ntwo\r\t", "one\\ntwo\\r\\t", id="line breaks"),
        pytest.param("\u202egnp.exe", "\\u202egnp.exe", id="bidirectional override"),
        pytest.param("\udcff", "\\udcff", id="undecodable byte"),
        pytest.param("größe-日本", "größe-日本", id="letters of any script"),
        pytest.param("a\xa0b\u2028c", "a\\xa0b\\u2028c", id="odd white space"),
    ],
)
def test_names_that_act_are_spelt_out(name: str, shown: str) -> None:
    assert inert(name) == shown


@settings(deadline=None)
@given(ANY_TEXT)
def test_for_all_names_nothing_that_is_shown_can_act(name: str) -> None:
    assert all(c == " " or unicodedata.category(c)[0] not in "CZ" for c in inert(name))


@settings(deadline=None)
@given(ANY_TEXT, st.integers(min_value=1, max_value=40))
def test_for_all_names_a_short_label_fits_and_a_fitting_name_is_kept(name: str, width: int) -> None:
    label = shorten(name, width)
    assert len(label) <= width
    if len(inert(name)) <= width:
        assert label == inert(name)


@settings(deadline=None)
@given(st.lists(st.text("ab", max_size=30), max_size=12), st.integers(min_value=6, max_value=12))
def test_for_all_names_labels_are_distinct_and_fit(names: list[str], width: int) -> None:
    labels = distinct(names, width)
    assert set(labels) == set(names)
    assert len(set(labels.values())) == len(labels)
    assert all(len(label) <= width for label in labels.values())
