"""Whatever bytes come: a receiver refuses them in its own words, or has read what they say.

Examples are fresh in every run. The seed is printed in the end; `--hypothesis-seed` repeats them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.intake.answer import Deadline
from harness.intake.budget import BUDGET
from harness.intake.form import FormError, Part, read_boundary, read_parts
from harness.intake.ledger import Upload
from harness.intake.receive import BatchRejected, enter, open_delivery
from harness.model import Scope
from harness.tests.intake.bodies import make_raw
from harness.tests.intake.deliveries import PACKAGE, WHOLE
from harness.tests.upload.oracle import strict
from harness.wire import EnvelopeReader, WireError

ENVELOPE = (
    b'{"service":"","version":"","language":"","upload_id":"u","batch_num":1,'
    b'"scopes":[%s,%s],"final":true}' % (PACKAGE, PACKAGE)
)
EVENT = b'{"ddsource":"dd_debugger","service":"","runtimeId":"","debugger":{"type":"symdb"}}'
TOKENS = st.sampled_from([
    *(b"%c" % byte for byte in b'{}[],:"\\ \n\r\0\xff'), b"{}", b"[]", b'"\\ud800"', b"\\u0000",
    b"-0", b"1e999", b"NaN", b"null", b"true", b"-1", b"9" * 40, b'"scopes":[],', b'"final":false,',
    b"[" * 600, b"\xef\xbb\xbf", b"--XX", b"\r\n--XX\r\n", b"--XX--\r\n", b"\r\n\r\n", b"/*", b"'",
    b'name="event"; ',
]) | st.binary(max_size=4)  # fmt: skip
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), TOKENS), min_size=1, max_size=4)
QUICK = settings(derandomize=False, print_blob=True, max_examples=25)
LONG = settings(QUICK, max_examples=2500)


def edited(document: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for place, cut, put in edits:
        at = int(place * len(document))
        document = document[:at] + put + document[at + cut :]
    return document


def read(document: bytes, size: int) -> list[tuple[Scope, list[Scope]]] | None:
    """Return what is read of an envelope that comes in pieces; None for a refusal."""
    pieces = (document[at : at + size] for at in range(0, len(document), size))
    try:
        return [(one.scope, list(one.children)) for one in EnvelopeReader(pieces).iter_packages()]
    except WireError:
        return None


def check_wire(edits: list[tuple[float, int, bytes]], size: int) -> None:
    document = edited(ENVELOPE, edits)
    found = read(document, size)
    assert found == read(document, len(document) + 1)
    if found is not None:
        packages = strict(document).get("scopes", [])
        assert [scope.name for scope, _ in found] == [one["name"] for one in packages]
        assert [len(children) for _, children in found] == [
            len(one.get("scopes", ())) for one in packages
        ]


def check_form(pieces: list[bytes], edits: list[tuple[float, int, bytes]], content: str) -> None:
    with tempfile.TemporaryFile() as file:
        whole = b"--XX" + b"".join(pieces) + b"\r\n--XX--\r\n" if pieces else edited(WHOLE, edits)
        file.write(whole)
        file.flush()
        try:
            parts = sorted(read_parts(file, b"XX").values(), key=lambda part: part.start)
        except FormError:
            parts = list[Part]()
    ends = [0, *(part.end for part in parts)]
    for part, before in zip(parts, ends, strict=False):
        assert before < part.start <= part.end <= len(whole)
        assert b"\r\n--XX" not in whole[part.start : part.end]
    with suppress(FormError):
        assert read_boundary(content)


def check_receive(
    outer: list[tuple[float, int, bytes]],
    envelope: list[tuple[float, int, bytes]],
    event: list[tuple[float, int, bytes]],
) -> None:
    document = edited(ENVELOPE, envelope)
    body = edited(make_raw(document, event=edited(EVENT, event)), outer)
    deadline, upload = Deadline(), Upload()
    deadline.start(60.0)
    with tempfile.TemporaryFile() as file:
        file.write(body)
        file.flush()
        try:
            kind = "multipart/form-data; boundary=XX"
            delivery = open_delivery(file, len(body), kind, BUDGET, deadline)
            entry = enter(upload, delivery, verify=True)
        except BatchRejected:
            assert upload.last_num == 0
            return
    assert (entry.accepted, upload.last_num, delivery.head.batch_num) == (True, 1, 1)
    said = strict(document)
    assert said["final"] == entry.final
    assert upload.digest is not None
    assert upload.digest.scopes == sum(len(one.get("scopes", ())) for one in said["scopes"])


FORM_PIECES = st.lists(
    st.sampled_from([
        b"\r\n", b"--XX", b"--", b"\r\n--XX", b"\r\n\r\n", b"Content-Disposition: form-data; ",
        b'name="file"', b'; filename="a;b"', b"Content-Type: x", b"name=event", b"\0",
        b"--XX--\r\n",
    ]) | st.binary(max_size=6),
    max_size=14,
)  # fmt: skip
CONTENT_TYPES = st.lists(
    st.sampled_from(
        ["multipart/form-data", ";", "boundary", "*", "*0", "=", '"', "XX", " ", "\xff"]
    ),
    max_size=12,
).map("".join)
PROPERTIES: list[tuple[Callable[..., None], tuple[st.SearchStrategy[Any], ...]]] = [
    (check_wire, (EDITS, st.integers(1, 60))),
    (check_form, (FORM_PIECES, EDITS, CONTENT_TYPES)),
    (check_receive, (EDITS | st.just([]), EDITS | st.just([]), EDITS | st.just([]))),
]


@pytest.mark.parametrize(
    "examples", [QUICK, pytest.param(LONG, marks=pytest.mark.slow)], ids=["quick", "long"]
)
@pytest.mark.parametrize(("check", "inputs"), PROPERTIES)
def test_what_is_taken_in_is_what_it_says(
    check: Callable[..., None], inputs: tuple[st.SearchStrategy[Any], ...], examples: settings
) -> None:
    examples(given(*inputs)(check))()
