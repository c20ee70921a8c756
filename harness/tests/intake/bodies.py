"""Bodies that an intake takes, how to make it misbehave, and what it has accepted."""

from __future__ import annotations

import gzip

from harness.config import UploadOptions
from harness.intake.faults import Fault
from harness.intake.ledger import LedgerView
from harness.intake.server import IntakeServer
from harness.pipelines import envelope, multipart
from harness.pipelines.compressors import make_compressor
from harness.pipelines.multipart import BytesBody

UPLOAD_ID = "upload-1"
_PADDED = (
    b'{"scope_type":"package","name":"padded","start_line":0,"end_line":0,'
    b'"has_injectible_lines":false,"scopes":[{"scope_type":"struct","name":"%s","start_line":0,'
    b'"end_line":0,"has_injectible_lines":false}]}'
)


def make_body(
    batch_num: int = 1,
    *,
    final: bool = False,
    scopes: bytes = b"",
    padding: int = 0,
    prefix: bytes = b"",
    suffix: bytes = b"",
) -> BytesBody:
    """Return a valid streaming batch.

    `padding` bytes of a type make it longer; `prefix` and `suffix` are more of the envelope, in
    front of its first key and behind its last.
    """
    options = UploadOptions(url="http://x/", upload_id=UPLOAD_ID, version="")
    if padding:
        scopes += (b"," if scopes else b"") + _PADDED % (b"v" * padding)
    beginning = envelope.streaming_prefix(options, batch_num)
    end = envelope.streaming_suffix(final)
    document = b"{" + prefix + beginning[1:] + scopes + end[:-1] + suffix + b"}"
    compressor = make_compressor("zlib", 0)
    packed = compressor.compress(document) + compressor.flush()
    event = envelope.streaming_event(options, batch_num, final, len(packed))
    data = multipart.prologue(b"XX") + packed + multipart.epilogue(b"XX", event)
    return BytesBody(multipart.content_type(b"XX"), data)


def make_raw(document: bytes, *, event: bytes = b"", upload_id: str = UPLOAD_ID) -> bytes:
    """Return a body around any envelope, with the old event, which names little, or another."""
    options = UploadOptions(url="http://x/", upload_id=upload_id)
    event = event or envelope.legacy_event(options, "json")
    packed = gzip.compress(document, 1)
    return multipart.prologue(b"XX") + packed + multipart.epilogue(b"XX", event)


def misbehave(
    intake: IntakeServer, kind: str, value: int = 0, times: int = 1, **headers: str
) -> None:
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    intake.faults.replace([Fault(kind=kind, value=value, times=times, headers=names)])


def ledger_of(intake: IntakeServer) -> LedgerView:
    view = intake.ledger.view(UPLOAD_ID)
    assert view is not None
    return view
