"""Bodies put together by hand, and how to hand them to an intake without our own client."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

from harness.intake.server import IntakeServer
from harness.pipelines.multipart import BytesBody
from harness.tests.intake.bodies import make_body

FUNCTION = (
    b'{"scope_type":"function","name":"f","start_line":1,"end_line":2,"has_injectible_lines":true}'
)
PACKAGE = (
    b'{"scope_type":"package","name":"p","start_line":0,"end_line":0,"has_injectible_lines":false,'
    b'"scopes":[%s]}'
) % FUNCTION
CONTINUATION = PACKAGE.replace(
    b'"scopes":', b'"language_specifics":{"continuation":true},"scopes":'
)


def changed(old: bytes, new: bytes) -> bytes:
    """Return a package whose only function is another one; without `old`, `new` is added to it."""
    function = FUNCTION.replace(old, new) if old else FUNCTION[:-1] + new + b"}"
    return PACKAGE.replace(FUNCTION, function)


def with_symbol(kind: bytes) -> bytes:
    return changed(b"", b',"symbols":[{"name":"a","type":"t","symbol_type":%s}]' % kind)


def connect(intake: IntakeServer) -> socket.socket:
    host, port = intake.server_address[:2]
    return socket.create_connection((str(host), port), timeout=20)


def request(intake: IntakeServer, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
    host, port = intake.server_address[:2]
    connection = http.client.HTTPConnection(str(host), port)
    connection.request(method, path, body, {"Content-Type": "multipart/form-data; boundary=XX"})
    response = connection.getresponse()
    result = response.status, json.loads(response.read() or b"{}")
    connection.close()
    return result


def data_of(body: BytesBody) -> bytes:
    with body.open() as reader:
        return reader.read()


def deliver(intake: IntakeServer, body: bytes, mode: str = "verify") -> tuple[int, str]:
    status, answer = request(intake, "POST", f"/{mode}/symdb/v1/input", body)
    return status, answer.get("error", "")


WHOLE = data_of(make_body(scopes=PACKAGE, final=True))
GZIP_AT = WHOLE.index(b"\x1f\x8b")
