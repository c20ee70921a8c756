"""An upload that is called off around any batch, or from a signal: what was claimed arrived."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from harness.cli.interruption import Interruption
from harness.config import PipelineOptions
from harness.contracts import Body
from harness.errors import Cancelled
from harness.intake.faults import FOREVER
from harness.intake.server import IntakeServer
from harness.pipelines import legacy, streaming
from harness.records import Batch
from harness.tests.intake.bodies import UPLOAD_ID, ledger_of, misbehave
from harness.tests.pipelines.parcels import iter_packages, make_parcel
from harness.tests.upload.senders import held, make_uploader
from harness.upload.client import Uploader
from harness.upload.guard import Cancellation

PARCELS = [make_parcel("p", 2, size=300), make_parcel("empty", 0), make_parcel("q", 2, size=300)]

# Each with a flush at every package scope, and with the hard limit at every unit.
PIPELINES = {
    "legacy": (legacy.run, PipelineOptions(function_limit=0), 3),
    "streaming": (streaming.run, PipelineOptions(threshold_bytes=0), 3),
    "disk": (
        streaming.run,
        PipelineOptions(threshold_bytes=-1, sink="disk", sync_flush="scope"),
        3,
    ),
    "hard limit": (streaming.run, PipelineOptions(threshold_bytes=0, hard_limit=True), 5),
}


class CallingOff:
    """Passes batches on, and calls the upload off before, during or after one of them."""

    def __init__(
        self, uploader: Uploader, intake: IntakeServer, cancellation: Cancellation, moment: str
    ) -> None:
        self.options = uploader.options
        self.number = 0
        self._uploader = uploader
        self._intake = intake
        self._cancellation = cancellation
        self._moment = moment

    def post(self, body: Body) -> None:
        self.number -= 1
        if self.number:
            self._uploader.post(body)
        elif self._moment == "during":
            self._post_and_cancel(body)
        elif self._moment == "before":
            self._cancellation.cancel()
            self._uploader.post(body)
        else:
            self._uploader.post(body)
            self._cancellation.cancel()

    def _post_and_cancel(self, body: Body) -> None:
        misbehave(self._intake, "drip", times=FOREVER)
        timer = threading.Timer(0.05, self._cancellation.cancel)
        timer.start()
        try:
            self._uploader.post(body)
        finally:
            timer.join()


def await_release(before: tuple[int, int]) -> None:
    """Wait until nothing more is held than before; the intake takes a moment to hang up."""
    deadline = time.monotonic() + 20
    while any(now > then for now, then in zip(held(), before, strict=True)):
        assert time.monotonic() < deadline, f"held {before} before, {held()} after"
        time.sleep(0.01)


def call_off(intake: IntakeServer, name: str, moment: str, number: int) -> list[Batch]:
    """Ship everything, call it off at the batch of that number, and return what was claimed."""
    run, options, total = PIPELINES[name]
    interruption, batches = Interruption(), list[Batch]()
    cancellation = interruption.cancellation
    with make_uploader(intake, cancellation=cancellation) as uploader:
        poster = CallingOff(uploader, intake, cancellation, moment)
        poster.number = number
        try:
            run(interruption.watch(iter_packages(PARCELS)), poster, options, batches.append)
        except Cancelled:
            assert len(batches) == (number if moment == "after" else number - 1)
        else:
            assert (moment, number) == ("after", total)  # it was complete before anybody asked
    intake.faults.replace([])
    return batches


@pytest.mark.parametrize("moment", ["before", "during", "after"])
@pytest.mark.parametrize("name", PIPELINES)
def test_an_upload_called_off_at_any_batch_has_delivered_what_it_claims(
    intake: IntakeServer, name: str, moment: str
) -> None:
    total = PIPELINES[name][2]
    for number in range(1, total + 1):
        before = held()
        batches = call_off(intake, name, moment, number)
        await_release(before)
        if not batches:
            assert intake.ledger.view(UPLOAD_ID) is None
            continue
        view = ledger_of(intake)
        assert (view.accepted, view.duplicates, view.errors) == (len(batches), 0, [])
        assert view.final == batches[-1].final == (len(batches) == total)
        assert intake.ledger.forget(UPLOAD_ID)


def sleep_and_cancel_at(step: int, outcome: list[str]) -> None:
    """Sleep, and cancel from within, as a handler does, before one of the lines that run."""
    cancellation = Cancellation()
    left = step

    def trace(_frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            sys.settrace(None)
            cancellation.cancel()
        return trace

    sys.settrace(trace)
    with suppress(Cancelled):
        cancellation.sleep(0.001)
    sys.settrace(None)
    outcome.append("ended" if left <= 0 else "never cancelled")


def test_a_signal_at_any_step_of_a_sleep_does_not_hang_it() -> None:
    outcome: list[str] = []
    step = 0
    while "never cancelled" not in outcome:
        step += 1
        thread = threading.Thread(target=sleep_and_cancel_at, args=(step, outcome), daemon=True)
        thread.start()
        thread.join(30)
        assert not thread.is_alive(), f"cancelled at step {step}, the sleep never ended"
    assert outcome.count("ended") > 5
