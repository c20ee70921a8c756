"""The intake of a run: one process outside everything measured, and what it says it received."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Self
from urllib.request import Request, urlopen

from msgspec import Struct, convert

from harness.errors import MeasurementInvalid
from harness.records import Record

_ANSWER_S = 30.0


class Ledger(Struct):
    """What the intake knows of one upload; the digest covers every scope in order."""

    accepted: int
    duplicates: int
    errors: list[str]
    final: bool
    scopes: int
    functions: int
    digest: str


class Intake:
    """Starts the intake when entered and ends it when left; it dies with this process in any case.

    It has a session of its own, so that Ctrl-C in a terminal reaches only us.
    """

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.upload.intake", "--port", "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a worker that is killed while it posts is not news
            start_new_session=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._end()
            raise MeasurementInvalid(
                "the intake did not start", remedy="see why: python -m harness.upload.intake"
            )
        self.url = str(json.loads(line)["url"])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def ledger(self, upload_id: str) -> Ledger:
        """Return what was received under `upload_id`, and forget it there.

        Raises:
            OSError: Nothing was, or the intake is gone.
        """
        address = f"{self.url}/ledger/{upload_id}"
        with urlopen(address, timeout=_ANSWER_S) as answer:  # noqa: S310  our own address
            found = convert(json.load(answer), Ledger)
        with urlopen(Request(address, method="DELETE"), timeout=_ANSWER_S):  # noqa: S310  likewise
            return found

    def _end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=_ANSWER_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def confirm(record: Record, intake: Intake) -> Record:
    """Compare what a verification run claims with what the intake received, and take its digest."""
    if record.status != "ok" or record.counters is None or not record.counters.batches:
        return record
    try:
        ledger = intake.ledger(record.job.upload_id)
    except OSError as error:
        record.status, record.detail = "mismatch", f"the intake has no record of it: {error}"
        return record
    record.digest = ledger.digest
    claimed = (record.counters.batches, record.counters.scopes, record.counters.functions)
    received = (ledger.accepted, ledger.scopes, ledger.functions)
    if claimed != received or ledger.errors or ledger.duplicates or not ledger.final:
        record.status = "mismatch"
        record.detail = f"(batches, scopes, functions): claimed {claimed}, received {ledger}"
    return record
