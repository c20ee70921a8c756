"""Bodies that an intake takes, how to make it misbehave, and what it has accepted."""

from __future__ import annotations

from harness.config import UploadOptions
from harness.intake.faults import Fault
from harness.intake.ledger import LedgerView
from harness.intake.server import IntakeServer
from harness.pipelines import envelope, multipart
from harness.pipelines.compressors import make_compressor
from harness.pipelines.multipart import BytesBody

UPLOAD_ID = "upload-1"


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

    `padding` bytes of version make it longer; `prefix` and `suffix` are more of the envelope, in
    front of its first key and behind its last.
    """
    options = UploadOptions(url="http://x/", upload_id=UPLOAD_ID, version="v" * padding)
    beginning = envelope.streaming_prefix(options, batch_num)
    end = envelope.streaming_suffix(final)
    document = b"{" + prefix + beginning[1:] + scopes + end[:-1] + suffix + b"}"
    compressor = make_compressor("zlib", 0)
    packed = compressor.compress(document) + compressor.flush()
    event = envelope.streaming_event(options, batch_num, final, len(packed))
    data = multipart.prologue(b"XX") + packed + multipart.epilogue(b"XX", event)
    return BytesBody(multipart.content_type(b"XX"), data)


def misbehave(
    intake: IntakeServer, kind: str, value: int = 0, times: int = 1, **headers: str
) -> None:
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    intake.faults.replace([Fault(kind=kind, value=value, times=times, headers=names)])


def ledger_of(intake: IntakeServer) -> LedgerView:
    view = intake.ledger.view(UPLOAD_ID)
    assert view is not None
    return view
