"""Look at one delivered batch and enter it into the ledger: a glance, or down to every scope."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import IO, Any, Literal

from msgspec import UNSET, Struct, UnsetType

from harness.config import KIB
from harness.intake.answer import Deadline
from harness.intake.budget import Budget
from harness.intake.form import FormError, Part, read_boundary, read_parts
from harness.intake.ledger import LedgerEntry, ScopeDigest, Upload
from harness.intake.schema import check_child, check_package
from harness.model import Package
from harness.wire import EnvelopeReader, WireError, WireLimits, decode, read_head

_CHUNK_BYTES = 64 * KIB
_GZIP_BYTES_MIN = 18


class BatchRejected(ValueError):
    """The delivery is not a valid batch."""


class Head(Struct, kw_only=True, forbid_unknown_fields=True):
    """What an envelope says before its scopes. Only the legacy one knows `final` there."""

    service: str
    version: str
    language: str
    upload_id: str
    batch_num: int
    final: bool | UnsetType = UNSET


_ENVELOPE_KEYS = frozenset(Head.__struct_fields__)
_ALWAYS = _ENVELOPE_KEYS - {"final"}


class Debugger(Struct, forbid_unknown_fields=True):
    """What the old event says it is about."""

    type: Literal["symdb"]


class EventPart(Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The event part, old or new; the old one names neither version, upload nor batch."""

    ddsource: Literal["dd_debugger"]
    service: str
    runtime_id: str
    debugger: Debugger | UnsetType = UNSET
    version: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    type: Literal["symdb"] | UnsetType = UNSET
    upload_id: str | UnsetType = UNSET
    batch_num: int | UnsetType = UNSET
    final: bool | UnsetType = UNSET
    attachment_size: int | UnsetType = UNSET

    def is_whole(self) -> bool:
        """Tell whether it has all that either the old or the new event has, and nothing else."""
        new = (self.version, self.language, self.type, self.upload_id, self.batch_num, self.final,
               self.attachment_size)  # fmt: skip
        return all((value is UNSET) == (self.debugger is not UNSET) for value in new)


class Delivery(Struct, kw_only=True):
    """One request body that was found to be a batch."""

    head: Head
    event: EventPart
    file: Part
    body: Any
    payload_bytes: int
    budget: Budget
    deadline: Deadline

    @property
    def attachment_bytes(self) -> int:
        """Return the length of the gzip part."""
        return self.file.end - self.file.start


def open_delivery(
    body: IO[bytes], payload_bytes: int, content_type: str, budget: Budget, deadline: Deadline
) -> Delivery:
    """Take a request body apart and check everything that needs no look at the scopes.

    Raises:
        BatchRejected: It is not a batch.
        TimeoutError: The deadline has passed.
    """
    try:
        parts = read_parts(body, read_boundary(content_type))
        file, event = _pick(parts, body, budget)
        # The old event does not say whether it is the final one.
        needed = _ENVELOPE_KEYS if event.final is UNSET else _ALWAYS
        chunks = iter_gunzipped(body, file, deadline)
        head = read_head(chunks, Head, needed, wire_limits(budget))
    except (FormError, WireError) as error:
        raise BatchRejected(str(error)) from None
    delivery = Delivery(
        head=head,
        event=event,
        file=file,
        body=body,
        payload_bytes=payload_bytes,
        budget=budget,
        deadline=deadline,
    )
    _compare(delivery)
    return delivery


def wire_limits(budget: Budget) -> WireLimits:
    """Return what of a budget concerns an envelope."""
    return WireLimits(budget.scope_bytes, budget.text_bytes, budget.keys, budget.depth)


def iter_gunzipped(body: IO[bytes], part: Part, deadline: Deadline) -> Iterator[bytes]:
    """Yield the decompressed bytes of a part that is one gzip member, at most 64 KiB at a time.

    Raises:
        BatchRejected: The bytes are not exactly one undamaged gzip member.
        TimeoutError: The deadline has passed.
    """
    inflater, start, end = zlib.decompressobj(31), part.start, part.end
    body.seek(start)
    try:
        while start < end and not inflater.eof:
            data = body.read(min(_CHUNK_BYTES, end - start))
            start += len(data)
            while data:
                deadline.left_s()
                yield inflater.decompress(data, _CHUNK_BYTES)
                data = inflater.unconsumed_tail
    except zlib.error as error:
        raise BatchRejected(f"the gzip part is damaged: {error}") from None
    if not inflater.eof or inflater.unused_data or start < end:
        raise BatchRejected("the gzip part is cut short, or bytes follow it")


def enter(upload: Upload, delivery: Delivery, *, verify: bool) -> LedgerEntry:
    """Enter a delivery into its upload's ledger, reading every scope first if `verify`.

    A batch that was accepted before is acknowledged again and counted as a duplicate: that is what
    a sender does who did not get the answer. Another one under the same number is refused.

    Raises:
        BatchRejected: The batch is out of order, or its scopes are not of the schema.
    """
    with upload.lock:
        try:
            entry = _check(upload, delivery, verify=verify)
        except ValueError as error:
            upload.refuse(f"batch {delivery.head.batch_num}: {error}")
            raise BatchRejected(str(error)) from None
    return entry


def _check(upload: Upload, delivery: Delivery, *, verify: bool) -> LedgerEntry:
    number, last = delivery.head.batch_num, upload.last_num
    duplicate = 1 <= number <= last
    if not duplicate and number != last + 1:
        raise BatchRejected(f"out of order: the last one was {last}")
    if not duplicate and upload.final:
        raise BatchRejected("it follows the final one")
    seal = _digest(delivery)
    if upload.seals.get(number, seal) != seal:
        raise BatchRejected("its number was accepted before, with other content")
    final = delivery.event.final or delivery.head.final
    if verify and not duplicate:
        final = _read_scopes(upload, delivery)
    entry = LedgerEntry(
        batch_num=number,
        payload_bytes=delivery.payload_bytes,
        attachment_bytes=delivery.attachment_bytes,
        final=final is True,
        accepted=not duplicate,
        duplicate=duplicate,
    )
    upload.note(entry, seal)
    return entry


def _digest(delivery: Delivery) -> bytes:
    """Return what tells the content of a batch from any other."""
    digest, left = hashlib.sha256(), delivery.attachment_bytes
    delivery.body.seek(delivery.file.start)
    while left and (data := delivery.body.read(min(left, _CHUNK_BYTES))):
        digest.update(data)
        left -= len(data)
    return digest.digest()


def _read_scopes(upload: Upload, delivery: Delivery) -> bool:
    digest = upload.digest.copy() if upload.digest else ScopeDigest()
    chunks = iter_gunzipped(delivery.body, delivery.file, delivery.deadline)
    envelope = EnvelopeReader(chunks, wire_limits(delivery.budget), known=_ENVELOPE_KEYS)
    for package in envelope.iter_packages():
        check_package(package.scope)
        digest.add(Package(package.scope, "", map(check_child, package.children)))
    final = envelope.fields.get("final")
    if not isinstance(final, bool) or delivery.event.final not in (UNSET, final):
        raise BatchRejected("envelope and event do not agree on `final`")
    upload.digest = digest
    return final


def _pick(parts: dict[str, Part], body: IO[bytes], budget: Budget) -> tuple[Part, EventPart]:
    if set(parts) != {"file", "event"}:
        raise FormError(f"the parts are {sorted(parts)}, not file and event")
    file, event = parts["file"], parts["event"]
    _expect(file, "file.gz", "application/gzip")
    _expect(event, "event.json", "application/json")
    body.seek(file.start)
    if file.end - file.start < _GZIP_BYTES_MIN or body.read(3) != b"\x1f\x8b\x08":
        raise FormError("the file part is not gzip")
    if event.end - event.start > budget.event_bytes:
        raise FormError(f"the event exceeds {budget.event_bytes} bytes")
    body.seek(event.start)
    try:
        decoded = decode(body.read(event.end - event.start), EventPart)
    except WireError as error:
        raise FormError(f"the event is {error}") from None
    if not decoded.is_whole():
        raise FormError("the event is neither of the old schema nor of the new")
    return file, decoded


def _expect(part: Part, filename: str, content_type: str) -> None:
    if (part.filename, part.content_type) != (filename, content_type):
        raise FormError(
            f"part {part.name!r} is {part.filename!r} of {part.content_type!r}, "
            f"not {filename!r} of {content_type!r}"
        )


def _compare(delivery: Delivery) -> None:
    head, event = delivery.head, delivery.event
    pairs = {
        "service": (event.service, head.service),
        "version": (event.version, head.version),
        "language": (event.language, head.language),
        "upload id": (event.upload_id, head.upload_id),
        "batch number": (event.batch_num, head.batch_num),
        "attachment size": (event.attachment_size, delivery.attachment_bytes),
    }
    for name, (claimed, found) in pairs.items():
        if claimed not in (UNSET, found):
            raise BatchRejected(f"the event claims {name} {claimed!r}, the batch has {found!r}")
    if head.batch_num < 1 or not head.upload_id:
        raise BatchRejected("batch numbers begin at 1, and an upload has an id")
