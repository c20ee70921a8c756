"""The two JSON documents around the scopes: the envelope in the gzip part, and the event beside it.

The original's legacy code set strings between quotes as they were, so that a quote or a newline in
a service name made invalid or forged JSON. Here every string is encoded; `escaping="faithful"`
brings the original's bytes back for comparison.
"""

from __future__ import annotations

import msgspec

from harness.config import UploadOptions

STAGE = "JSON"


def streaming_prefix(options: UploadOptions, batch_num: int) -> bytes:
    """Return the compact envelope up to and including the bracket that opens the scopes."""
    fields = {
        "service": options.service,
        "version": options.version,
        "language": options.language,
        "upload_id": options.upload_id,
        "batch_num": batch_num,
    }
    return msgspec.json.encode(fields)[:-1] + b',"scopes":['


def streaming_suffix(final: bool) -> bytes:
    """Return the rest of the envelope; `final` comes last because only the flush knows it."""
    return b'],"final":%s}' % _truth(final)


def streaming_event(
    options: UploadOptions, batch_num: int, final: bool, attachment_bytes: int
) -> bytes:
    """Return the event part: everything a receiver needs without fetching the attachment."""
    return msgspec.json.encode(
        {
            "ddsource": "dd_debugger",
            "service": options.service,
            "version": options.version,
            "language": options.language,
            "runtimeId": options.runtime_id,
            "type": "symdb",
            "uploadId": options.upload_id,
            "batchNum": batch_num,
            "final": final,
            "attachmentSize": attachment_bytes,
        }
    )


def legacy_envelope(
    options: UploadOptions, batch_num: int, final: bool, scopes: bytes, escaping: str
) -> bytes:
    """Return the whole legacy envelope, with `scopes` copied into it."""
    lines = (
        b'{\n"service": %s,\n' % _quote(options.service, escaping),
        b'"version": %s,\n' % _quote(options.version, escaping),
        b'"language": %s,\n' % _quote(options.language, escaping),
        b'"upload_id": %s,\n' % _quote(options.upload_id, escaping),
        b'"batch_num": %d,\n"final": %s,\n"scopes": ' % (batch_num, _truth(final)),
        scopes,
        b"\n}\n",
    )
    return b"".join(lines)


def legacy_event(options: UploadOptions, escaping: str) -> bytes:
    """Return the legacy event part, which names neither the version nor the batch."""
    return (
        b'{\n"ddsource": "dd_debugger",\n"service": %s,\n"runtimeId": %s,\n'
        b'"debugger": {\n"type": "symdb"\n}\n}\n'
    ) % (_quote(options.service, escaping), _quote(options.runtime_id, escaping))


def _quote(text: str, escaping: str) -> bytes:
    return b'"%s"' % text.encode() if escaping == "faithful" else msgspec.json.encode(text)


def _truth(value: bool) -> bytes:
    return b"true" if value else b"false"
