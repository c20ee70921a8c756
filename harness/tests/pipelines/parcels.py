"""Packages to ship, and a poster that keeps what it is given instead of sending it."""

from __future__ import annotations

import copy
import random
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from harness.config import UploadOptions
from harness.contracts import Body
from harness.intake.form import read_boundary
from harness.model import Package, Scope, Symbol, package_scope
from harness.records import Batch
from harness.wire import EnvelopeReader

OPTIONS = UploadOptions(url="http://127.0.0.1:1/", upload_id="upload-1")

Parcel = tuple[Scope, list[Scope]]


def iter_packages(parcels: list[Parcel]) -> Iterator[Package]:
    """Yield fresh packages: the legacy pipeline hangs the children into the scope it gets."""
    for scope, children in parcels:
        yield Package(copy.copy(scope), "go", iter(children))


def make_function(name: str, size: int, random_seed: int | None = None) -> Scope:
    """Return a function whose JSON has about `size` bytes, hard to compress if seeded."""
    text = "x" * size
    if random_seed is not None:
        text = "".join(random.Random(random_seed).choices("abcdefghijklmnopqrstuvwxyz", k=size))
    return Scope(
        scope_type="function",
        name=name,
        start_line=1,
        end_line=2,
        has_injectible_lines=True,
        symbols=[Symbol(name="a", type=text, symbol_type="arg", line=1)],
    )


def make_parcel(name: str, functions: int, size: int = 40) -> Parcel:
    return package_scope(name), [
        make_function(f"{name}.f{index}", size, random_seed=index) for index in range(functions)
    ]


class Delivered(NamedTuple):
    """One request body, taken apart."""

    body: bytes
    envelope: dict[str, Any]
    event: dict[str, Any]
    attachment: bytes
    raw: bytes


def take_apart(content_type: str, body: bytes) -> Delivered:
    boundary = b"--" + read_boundary(content_type)
    _, file, event, end = body.split(boundary)
    assert end == b"--\r\n"
    attachment = file.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
    raw = zlib.decompress(attachment, 31)
    document = msgspec.json.decode(event.partition(b"\r\n\r\n")[2])
    return Delivered(body, msgspec.json.decode(raw), document, attachment, raw)


def look_away(_: Batch) -> None:
    """Observe nothing."""


class KeepingPoster:
    """Accepts everything, or fails as often as it is told to."""

    def __init__(self, options: UploadOptions = OPTIONS) -> None:
        self.options = options
        self.failures: list[Exception] = []
        self.delivered: list[Delivered] = []

    def post(self, body: Body) -> None:
        if self.failures:
            raise self.failures.pop(0)
        with body.open() as reader:
            data = reader.read()
        assert len(data) == len(body)
        self.delivered.append(take_apart(body.content_type, data))

    def scopes(self) -> list[Parcel]:
        """Return what a receiver ends up with, parts joined."""
        parcels: list[Parcel] = []
        for delivered in self.delivered:
            for package in EnvelopeReader(iter([delivered.raw])).iter_packages():
                specifics = package.scope.language_specifics
                if specifics is not None and specifics.continuation:
                    parcels[-1][1].extend(package.children)
                else:
                    parcels.append((package.scope, list(package.children)))
        return parcels
