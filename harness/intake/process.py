"""The intake of a run: one process outside everything measured, and what it says it received."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Self
from urllib.request import Request, urlopen

from msgspec import convert

from harness.errors import MeasurementInvalid
from harness.intake.ledger import LedgerView, disagreement, ledger_url
from harness.records import Job, Record

_ANSWER_S = 30.0


class Intake:
    """Starts the intake when entered and ends it when left; it dies with this process in any case.

    It has a session of its own, so that Ctrl-C in a terminal reaches only us.
    """

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.intake.server", "--port", "0"],
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
                "the intake did not start", remedy="see why: python -m harness.intake.server"
            )
        self.url = str(json.loads(line)["url"])
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def ledger(self, job: Job) -> LedgerView:
        """Return what was received from a job, and forget it there.

        Raises:
            OSError: Nothing was, or the intake is gone.
        """
        address = ledger_url(job.intake_url, job.upload_id)
        assert address is not None
        with urlopen(address, timeout=_ANSWER_S) as answer:  # noqa: S310  our own address
            found = convert(json.load(answer), LedgerView)
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


def confirm(record: Record, intake: Intake | None) -> Record:
    """Compare what a run claims with what the intake received.

    Of a verification run every scope was looked at: its digest is taken over. Of a measured run
    batches and bytes have to agree: one that posts less than it says holds less, too.
    """
    if intake is None or record.status != "ok" or not (record.counters and record.counters.batches):
        return record
    try:
        ledger = intake.ledger(record.job)
    except OSError as error:
        record.status, record.detail = "mismatch", f"the intake has no record of it: {error}"
        return record
    problem = disagreement(record.counters, ledger, record.job.intake_url) or _surplus(ledger)
    if problem:
        record.status, record.detail = "mismatch", problem
    record.digest = ledger.digest
    return record


def _surplus(ledger: LedgerView) -> str:
    """Return what an intake received beside the batches; empty if nothing."""
    if ledger.errors:
        return f"the intake refused: {'; '.join(ledger.errors)}"
    return f"the intake received {ledger.duplicates} batches again" if ledger.duplicates else ""
