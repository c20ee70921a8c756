"""What is known of an upload when it ends, however it does: what `--json` prints."""

from __future__ import annotations

from msgspec import Struct

from harness.records import Batch, Counters


class Retry(Struct, frozen=True, kw_only=True):
    """One attempt at a batch that failed, and how long was waited before the next."""

    batch: int
    attempt: int
    reason: str
    wait_s: float


class UploadDocument(Struct, frozen=True, kw_only=True):
    """An upload that ended: complete, or with what is known of each batch.

    Batches 1 to `accepted` were accepted, `accepted_before` of them by the upload that this one
    goes on with. Those in `maybe_accepted` were sent and not answered, those in `refused` not
    accepted; what follows them was not sent. `counters` and `batches` are those of this process.
    `verified` tells whether the receiver's ledger says the same; None if that was not asked, or
    not come to. `error` is empty if nothing went wrong.
    """

    upload_id: str
    language: str
    counters: Counters
    batches: list[Batch]
    accepted: int
    accepted_before: int
    maybe_accepted: list[int]
    refused: list[int]
    complete: bool
    verified: bool | None
    retries: list[Retry]
    journal: str
    error: str
    remedy: str
