"""What the intake has accepted, by upload id: the other side of every claim a pipeline makes."""

from __future__ import annotations

import hashlib
from threading import Lock
from urllib.parse import quote, urlsplit

from msgspec import Struct, json, structs

from harness.intake import COUNT_PATH, LEDGER_PREFIX, VERIFY_PATH
from harness.intake.budget import BUDGET, Budget, cut
from harness.model import LanguageSpecifics, Package, Scope, count_functions, is_continuation
from harness.records import Counters


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
        identity = hashlib.sha256(json.encode(_whole(package.scope))).digest()
        continues = is_continuation(package.scope)
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
        batches: The deliveries, up to what the budget lists of one upload.
        last_num: The number of the last batch that was accepted; 0 if none was.
        payload_bytes: Of the batches that were accepted.
        seals: A digest of the content of each accepted batch that is listed, by number.
    """

    def __init__(self, budget: Budget = BUDGET) -> None:
        self.lock = Lock()
        self.batches: list[LedgerEntry] = []
        self.last_num = self.duplicates = self.payload_bytes = self.refused = 0
        self.digest: ScopeDigest | None = None
        self.final = False
        self.errors: list[str] = []
        self.seals: dict[int, bytes] = {}
        self._budget = budget

    def note(self, entry: LedgerEntry, seal: bytes) -> None:
        """Enter a delivery that was accepted, now or before."""
        listed = len(self.batches) < self._budget.upload_entries
        if listed:
            self.batches.append(entry)
        if entry.duplicate:
            self.duplicates += 1
            return
        self.last_num = entry.batch_num
        self.payload_bytes += entry.payload_bytes
        self.final = entry.final
        if listed:
            self.seals[entry.batch_num] = seal

    def refuse(self, error: str) -> None:
        """Note why a delivery was refused."""
        self.refused += 1
        if len(self.errors) < self._budget.errors:
            self.errors.append(cut(error, self._budget))


class LedgerView(Struct, kw_only=True):
    """What `GET /ledger/<upload_id>` shows. The last three stay 0 and "" without verification.

    Of many batches and errors the first are listed, and all are counted.
    """

    batches: list[LedgerEntry]
    accepted: int
    duplicates: int
    refused: int
    payload_bytes: int
    errors: list[str]
    final: bool
    scopes: int
    functions: int
    digest: str


def ledger_url(url: str, upload_id: str) -> str | None:
    """Return where to ask what was received of an upload; None if `url` is not an intake's."""
    parts = urlsplit(url)
    for path in (COUNT_PATH, VERIFY_PATH):
        if parts.path.endswith(path):
            folder = parts.path.removesuffix(path)
            ledger = folder + LEDGER_PREFIX + quote(upload_id, safe="")
            return parts._replace(path=ledger, fragment="").geturl()
    return None


def disagreement(claim: Counters, ledger: LedgerView, url: str) -> str:
    """Return how a claim and a ledger differ; empty if they do not.

    Scopes are compared only where batches were posted to have them read.
    """
    claimed = {"batches": claim.batches, "payload_bytes": claim.payload_bytes}
    received = {"batches": ledger.accepted, "payload_bytes": ledger.payload_bytes}
    if urlsplit(url).path.endswith(VERIFY_PATH):
        claimed |= {"scopes": claim.scopes, "functions": claim.functions}
        received |= {"scopes": ledger.scopes, "functions": ledger.functions}
    if claimed != received:
        return f"it claims {claimed}, the intake received {received}"
    return "" if ledger.final else "the intake received no final batch"


def key_of(folder: str, upload_id: str) -> str:
    """Return what an upload is kept under: its id, with the folder it was sent to, if any."""
    return f"{folder}/{upload_id}" if folder else upload_id


class Ledger:
    """Uploads by key, shared by the threads of the server.

    Uploads of which no batch was accepted are kept apart: anybody can send as many as they like.
    """

    def __init__(self, budget: Budget = BUDGET) -> None:
        self._budget = budget
        self._lock = Lock()
        self._uploads: dict[str, Upload] = {}
        self._refused: dict[str, Upload] = {}

    def open(self, key: str) -> Upload:
        """Return the upload, begun now if need be."""
        with self._lock:
            upload = self._uploads.get(key) or self._refused.get(key)
            if upload is None:
                upload = self._refused[key] = Upload(self._budget)
                if len(self._refused) > self._budget.refused_uploads:
                    del self._refused[next(iter(self._refused))]
            return upload

    def keep(self, key: str, upload: Upload) -> None:
        """Keep an upload of which a batch was accepted; the oldest are forgotten for it."""
        with self._lock:
            self._refused.pop(key, None)
            self._uploads.setdefault(key, upload)
            entries = sum(len(one.batches) for one in self._uploads.values())
            while len(self._uploads) > 1 and (
                len(self._uploads) > self._budget.uploads or entries > self._budget.entries
            ):
                oldest = next(name for name in self._uploads if name != key)
                entries -= len(self._uploads.pop(oldest).batches)

    def view(self, key: str) -> LedgerView | None:
        """Return what is known of an upload; None if nothing is."""
        with self._lock:
            upload = self._uploads.get(key) or self._refused.get(key)
        if upload is None:
            return None
        with upload.lock:
            return _view(upload)

    def forget(self, key: str) -> bool:
        """Drop an upload; tell whether it was there."""
        with self._lock:
            found = [kept.pop(key, None) for kept in (self._uploads, self._refused)]
            return any(found)


def _view(upload: Upload) -> LedgerView:
    digest = upload.digest
    return LedgerView(
        batches=list(upload.batches),
        accepted=upload.last_num,
        duplicates=upload.duplicates,
        refused=upload.refused,
        payload_bytes=upload.payload_bytes,
        errors=list(upload.errors),
        final=upload.final,
        scopes=digest.scopes if digest else 0,
        functions=digest.functions if digest else 0,
        digest=digest.hexdigest() if digest else "",
    )
