"""What the intake has accepted, by upload id: the other side of every claim a pipeline makes."""

from __future__ import annotations

import hashlib
from threading import Lock

from msgspec import Struct, json, structs

from harness.model import LanguageSpecifics, Package, Scope, count_functions, is_continuation

UPLOADS_MAX = 10_000


class LedgerEntry(Struct, kw_only=True):
    """One delivery, accepted or not."""

    batch_num: int
    payload_bytes: int
    attachment_bytes: int
    final: bool
    accepted: bool
    duplicate: bool = False
    error: str = ""


class ScopeDigest:
    """A running digest over packages and scopes, the same however they were cut into batches.

    sha256 over, for every package in upload order, its own fields as canonical JSON and a newline,
    then each child as canonical JSON and a newline. A continuation adds only its children: it
    repeats the package before it.
    """

    def __init__(self) -> None:
        self.scopes = 0
        self.functions = 0
        self._hash = hashlib.sha256()
        self._previous = b""

    def add(self, package: Package) -> None:
        """Add a package and all its children.

        Raises:
            ValueError: A continuation does not follow the package it continues.
        """
        identity, continues = json.encode(_whole(package.scope)), is_continuation(package.scope)
        if continues and identity != self._previous:
            raise ValueError(f"package {package.scope.name!r} continues another one than the last")
        if not continues:
            self._hash.update(json.encode(package.scope) + b"\n")
        self._previous = identity
        for child in package.children:
            self.scopes += 1
            self.functions += count_functions(child)
            self._hash.update(json.encode(child) + b"\n")

    def hexdigest(self) -> str:
        """Return the digest of what was added so far."""
        return self._hash.hexdigest()

    def copy(self) -> ScopeDigest:
        """Return a digest in the same state, to add a batch that may yet turn out to be bad."""
        twin = ScopeDigest()
        twin.scopes, twin.functions = self.scopes, self.functions
        twin._hash, twin._previous = self._hash.copy(), self._previous
        return twin


def _whole(scope: Scope) -> Scope:
    """Return the package scope as it was before it was cut; nothing said is said one way only."""
    specifics = scope.language_specifics
    if specifics is not None:
        specifics = structs.replace(specifics, continuation=False)
    return structs.replace(
        scope, language_specifics=None if specifics == LanguageSpecifics() else specifics
    )


class Upload:
    """Everything received under one upload id. Hold `lock` while a batch is looked at.

    Attributes:
        seals: A digest of the content of each accepted batch, by number.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.batches: list[LedgerEntry] = []
        self.digest: ScopeDigest | None = None
        self.final = False
        self.errors: list[str] = []
        self.seals: dict[int, bytes] = {}

    def last_num(self) -> int:
        """Return the number of the last batch that was accepted; 0 if none was."""
        return max((entry.batch_num for entry in self.batches if entry.accepted), default=0)


class LedgerView(Struct, kw_only=True):
    """What `GET /ledger/<upload_id>` shows. The last three stay 0 and "" without verification."""

    batches: list[LedgerEntry]
    accepted: int
    duplicates: int
    errors: list[str]
    final: bool
    scopes: int
    functions: int
    digest: str


def key_of(folder: str, upload_id: str) -> str:
    """Return what an upload is kept under: its id, with the folder it was sent to, if any."""
    return f"{folder}/{upload_id}" if folder else upload_id


class Ledger:
    """Uploads by key, shared by the threads of the server."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._uploads: dict[str, Upload] = {}

    def open(self, key: str) -> Upload:
        """Return the upload, begun now if need be; the oldest is forgotten when there are many."""
        with self._lock:
            if key not in self._uploads and len(self._uploads) >= UPLOADS_MAX:
                del self._uploads[next(iter(self._uploads))]
            return self._uploads.setdefault(key, Upload())

    def view(self, key: str) -> LedgerView | None:
        """Return what is known of an upload; None if nothing is."""
        with self._lock:
            upload = self._uploads.get(key)
        if upload is None:
            return None
        with upload.lock:
            return _view(upload)

    def forget(self, key: str) -> bool:
        """Drop an upload; tell whether it was there."""
        with self._lock:
            return self._uploads.pop(key, None) is not None


def _view(upload: Upload) -> LedgerView:
    digest = upload.digest
    return LedgerView(
        batches=list(upload.batches),
        accepted=sum(entry.accepted for entry in upload.batches),
        duplicates=sum(entry.duplicate for entry in upload.batches),
        errors=list(upload.errors),
        final=upload.final,
        scopes=digest.scopes if digest else 0,
        functions=digest.functions if digest else 0,
        digest=digest.hexdigest() if digest else "",
    )
