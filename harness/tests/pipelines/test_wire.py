"""Envelopes read back a piece at a time, whatever the pieces."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import Scope
from harness.tests.pipelines import strategies
from harness.tests.pipelines.parcels import Parcel
from harness.wire import EnvelopeReader, JsonScanner, WireError

DOCUMENT = (
    b'{"service": "a", "scopes": [ {"scope_type":"package","name":"}]{[\\"","start_line":0,'
    b'"end_line":0,"has_injectible_lines":false,"scopes":[{"scope_type":"function","name":"f",'
    b'"start_line":1,"end_line":2,"has_injectible_lines":true}]}], "final":true}'
)


def cut(document: bytes, size: int) -> Iterator[bytes]:
    return (document[start : start + size] for start in range(0, len(document), size))


def read(document: bytes, size: int = 7) -> tuple[list[Parcel], dict[str, Any]]:
    reader = EnvelopeReader(cut(document, size))
    parcels = [(package.scope, list(package.children)) for package in reader.iter_packages()]
    return parcels, reader.fields


@given(strategies.packages, st.integers(1, 300))
def test_for_all_scopes_and_pieces_reading_gives_back_what_was_written(
    parcels: list[Parcel], size: int
) -> None:
    whole = [msgspec.structs.replace(scope, scopes=children) for scope, children in parcels]
    document = msgspec.json.encode({"batch_num": 3, "scopes": whole, "final": False})
    assert read(document, size) == (parcels, {"batch_num": 3, "final": False})


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_a_value_is_found_whole_among_others(value: Any) -> None:
    raw = msgspec.json.encode(value)
    scanner = JsonScanner(cut(b"[" + raw + b" , 1]", 3))
    assert [scanner.value() for _ in scanner.iter_items()] == [raw, b"1"]


def test_a_document_cut_short_is_never_read_as_whole() -> None:
    for end in range(len(DOCUMENT)):
        with pytest.raises(WireError):
            read(DOCUMENT[:end])


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="no object"),
        pytest.param(DOCUMENT + b"{}", id="more behind it"),
        pytest.param(b'{"a":1,"a":2}', id="key twice"),
        pytest.param(b'{"a":1 "b":2}', id="no comma"),
        pytest.param(b'{"a":01}', id="bad number"),
        pytest.param(b'{"scopes":[{"name":"x"}]}', id="not a scope"),
        pytest.param(b'{"scopes":[{"scope_type":3}]}', id="wrong type"),
        pytest.param(b'{"scopes":[3]}', id="no package"),
        pytest.param(DOCUMENT.replace(b'}]}], "f', b'}],"x":1}], "f'), id="key after children"),
        pytest.param(DOCUMENT.replace(b'"f"', b'"\xff"'), id="no unicode"),
        pytest.param(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", id="too deep"),
    ],
)
def test_what_is_not_an_envelope_is_refused(document: bytes) -> None:
    with pytest.raises(WireError):
        read(document)


def test_children_left_behind_are_skipped() -> None:
    reader = EnvelopeReader(cut(DOCUMENT, 11))
    names: list[Scope] = [package.scope for package in reader.iter_packages()]
    assert [scope.name for scope in names] == ['}]{["']
    assert reader.fields["final"] is True
