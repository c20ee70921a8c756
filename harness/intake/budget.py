"""What one intake may be made to hold or to do, however its senders behave."""

from __future__ import annotations

from msgspec import Struct

from harness.config import GIB, KIB, MIB


class Budget(Struct, frozen=True, kw_only=True):
    """The limits of an intake; what exceeds one is refused with the status behind it.

    Together they bound its memory: `readers` deliveries are read at a time, each of them holds a
    few copies of one scope, and the ledger keeps `entries` lines and `uploads` ids. Everything else
    of a body is in a file.

    `body_bytes` (413) is a request body; `event_bytes` (400) its event part, `text_bytes` (400) one
    key or value of the envelope beside the scopes, the upload id among them, `scope_bytes` (400)
    one child of a package. `keys` and `depth` (400) count within one object and of nested values.
    `request_s` (408) is for one request, once its head has been read; the head has as long.
    `connections` (503) are open at a time. `entries` and `uploads` are in the ledger at a time,
    `upload_entries` of one upload are listed, the others counted. `refused_uploads` never had a
    batch accepted. `errors` are kept of one upload, of `error_chars` each.
    """

    body_bytes: int = GIB
    event_bytes: int = 64 * KIB
    text_bytes: int = 4 * KIB
    scope_bytes: int = 16 * MIB
    keys: int = 64
    depth: int = 512
    request_s: float = 120.0
    connections: int = 64
    readers: int = 2
    uploads: int = 1000
    entries: int = 50_000
    upload_entries: int = 10_000
    refused_uploads: int = 100
    errors: int = 100
    error_chars: int = 200


BUDGET = Budget()


def cut(text: str, budget: Budget = BUDGET) -> str:
    """Return what is said and kept of an error, which may quote its sender at any length."""
    most = budget.error_chars
    return text if len(text) <= most else text[: most - 3] + "..."
