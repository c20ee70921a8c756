"""One binary, measured whole on whatever machine this is: what an executor carries to a worker."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct, structs

from harness.records import Record
from harness.run.manifest import conditions_of
from harness.run.remote import fetched
from harness.run.request import RunRequest
from harness.run.session import run_session
from harness.store import read_manifest
from harness.store.manifest import Conditions, iter_unlike
from harness.store.reader import RECORDS


class Facts(Conditions, frozen=True, kw_only=True):
    """What a record depends on beside the request, and which worker says so."""

    worker: str


class UnitResult(Struct, frozen=True, kw_only=True):
    """What came of one binary: its records as lines of JSON, or why the worker was refused."""

    facts: Facts
    refused: list[str] = []
    records: bytes = b""
    not_measured: list[str] = []

    def iter_records(self) -> Iterator[Record]:
        """Yield the records."""
        return iter(msgspec.json.Decoder(Record).decode_lines(self.records))


def facts_of(request: RunRequest) -> Facts:
    """Return what is true of this process and its machine."""
    worker = f"{socket.gethostname()}, process {os.getpid()}"
    return Facts(worker=worker, **structs.asdict(conditions_of(request)))


def measure_unit(request: RunRequest, expected: Facts) -> UnitResult:
    """Measure the one binary of `request`, unless this worker is unlike the coordinator.

    Every replicate is a process of its own here as everywhere; nothing is written but scratch.
    """
    facts = facts_of(request)
    if refused := list(iter_unlike(expected, facts)):
        return UnitResult(facts=facts, refused=refused)
    with TemporaryDirectory(prefix="harness-unit-") as place:
        with fetched(request.binaries[0], Path(place)) as binary:
            own = structs.replace(request, binaries=[binary], results=Path(place))
            run = run_session(own, lambda _: None)
        return UnitResult(
            facts=facts,
            records=(run / RECORDS).read_bytes(),
            not_measured=read_manifest(run).not_measured,
        )
