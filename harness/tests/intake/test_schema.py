"""What is no batch, or no scope of the schema, is refused with the reason."""

from __future__ import annotations

import pytest

from harness.intake.server import IntakeServer
from harness.pipelines.multipart import BytesBody
from harness.tests.intake.bodies import ledger_of, make_body
from harness.tests.intake.deliveries import (
    CONTINUATION,
    FUNCTION,
    PACKAGE,
    WHOLE,
    changed,
    data_of,
    deliver,
    with_symbol,
)


@pytest.mark.parametrize("mode", ["count", "verify"])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", "boundary", id="nothing"),
        pytest.param(WHOLE[:-10], "no end", id="cut short"),
        pytest.param(WHOLE + b"x", "closing boundary", id="more behind it"),
        pytest.param(WHOLE.replace(b"--XX", b"--YY"), "boundary", id="another boundary"),
        pytest.param(WHOLE.replace(b'"file"', b'"event"'), "twice", id="part twice"),
        pytest.param(WHOLE.replace(b'"file"', b'"data"'), "not file and event", id="part missing"),
        pytest.param(WHOLE.replace(b"/gzip", b"/zip"), "application/gzip", id="content type"),
        pytest.param(WHOLE.replace(b"event.json", b"e.json"), "event.json", id="file name"),
        pytest.param(WHOLE.replace(b"\x1f\x8b", b"\x1f\x8c"), "not gzip", id="no gzip"),
        pytest.param(WHOLE.replace(b'entSize":', b'entSize":1'), "attachment size", id="size"),
        pytest.param(WHOLE.replace(b'uploadId":"', b'uploadId":"x'), "upload id", id="upload id"),
        pytest.param(WHOLE.replace(b'"batchNum":1', b'"batchNum":2'), "batch num", id="number"),
        pytest.param(WHOLE.replace(b'"ddsource"', b'"ddsauce"'), "schema", id="event schema"),
        pytest.param(WHOLE.replace(b"dd_debugger", b"dd_profiler"), "schema", id="event source"),
        pytest.param(WHOLE.replace(b'"symdb"', b'"xxx"'), "schema", id="event type"),
        pytest.param(WHOLE.replace(b'"symdb"', b'"symdb","x":1'), "schema", id="event key"),
        pytest.param(WHOLE.replace(b'"type":"symdb",', b""), "neither", id="event lacks a key"),
        pytest.param(WHOLE.replace(b'"type"', b'"debugger":{"type":"symdb"},"type"'), "neither",
                     id="event old and new"),
        pytest.param(WHOLE.replace(b'"","language":"go","run', b'"9","language":"go","run'),
                     "version", id="version"),
        pytest.param(WHOLE.replace(b'"go","run', b'"c","run'), "language", id="language"),
        pytest.param(data_of(make_body(prefix=b'"forged":1,', scopes=PACKAGE)), "schema",
                     id="envelope key"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_batch_is_refused(
    intake: IntakeServer, mode: str, body: bytes, reason: str
) -> None:
    status, error = deliver(intake, body, mode)
    assert status == 400
    assert reason in error


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(make_body(scopes=FUNCTION), "not a package", id="no package"),
        pytest.param(make_body(scopes=b'{"scope_type":1}'), "schema", id="scope schema"),
        pytest.param(make_body(scopes=PACKAGE + b"{}"), "expected ','", id="no comma"),
        pytest.param(make_body(scopes=CONTINUATION), "continues another",
                     id="continuation of nothing"),
        pytest.param(make_body(scopes=changed(b"", b',"x":1')), "unknown field", id="scope key"),
        pytest.param(make_body(scopes=PACKAGE.replace(b'"p",', b'"p","x":1,')), "unknown field",
                     id="package key"),
        pytest.param(make_body(scopes=PACKAGE.replace(b'"start_line":0', b'"start_line":1')),
                     "more than a name", id="package with lines"),
        pytest.param(make_body(scopes=PACKAGE.replace(FUNCTION, PACKAGE)), "is a 'package'",
                     id="package in a package"),
        pytest.param(make_body(scopes=changed(b"", b',"scopes":[%s]' % PACKAGE)), "is a 'package'",
                     id="package in a function"),
        *[
            pytest.param(make_body(scopes=changed(old, new)), reason, id=name)
            for name, old, new, reason in (
                ("scope type", b"function", b"banana", "banana"),
                ("start", b'"start_line":1', b'"start_line":-1', "negative"),
                ("end", b'"end_line":2', b'"end_line":-2', "negative"),
                ("injectible line", b"", b',"injectible_lines":[{"start":-1,"end":1}]', "negative"),
                ("range key", b"", b',"injectible_lines":[{"start":1,"end":1,"x":1}]', "unknown"),
                ("specifics key", b"", b',"language_specifics":{"x":1}', "unknown field"),
                ("empty specifics", b"", b',"language_specifics":{}', "empty, not left out"),
            )
        ],
        pytest.param(make_body(scopes=with_symbol(b'"banana"')), "banana", id="symbol type"),
        pytest.param(make_body(scopes=with_symbol(b'"arg"')), "has no line", id="no line"),
        pytest.param(make_body(scopes=with_symbol(b'"arg","line":-1')), "negative one",
                     id="negative line"),
        pytest.param(make_body(scopes=with_symbol(b'"field","line":1')), "has a line",
                     id="field with a line"),
        pytest.param(make_body(scopes=with_symbol(b'"arg","line":1,"x":1')), "unknown field",
                     id="symbol key"),
        pytest.param(
            make_body(
                scopes=with_symbol(
                    b'"arg","line":1,"language_specifics":'
                    b'{"available_line_ranges":[{"start":1,"end":-1}]}'
                )
            ),
            "negative",
            id="available line",
        ),
        pytest.param(make_body(scopes=PACKAGE, suffix=b',"forged":1'), "keys: forged",
                     id="envelope key"),
    ],
)  # fmt: skip
def test_scopes_that_are_not_of_the_schema_are_refused_and_noted(
    intake: IntakeServer, body: BytesBody, reason: str
) -> None:
    status, error = deliver(intake, data_of(body))
    assert status == 400
    assert reason in error
    view = ledger_of(intake)
    assert view.accepted == 0
    assert reason in view.errors[0]
