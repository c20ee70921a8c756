"""What a callable may do that it should not: a status and a reason with a remedy, or the peak."""

from __future__ import annotations

import pytest

from harness.intake.process import Intake
from harness.records import CALL, Call, Record
from harness.run.executor import iter_records
from harness.tests.run import misbehaving
from harness.tests.run.conftest import make_job, settings_in
from harness.text import first_cause

MODULE = misbehaving.__name__
CHANGED = "which it was called with, was changed — have it work on a copy"
UNSAID = "and it did not say that it was done — have it return or raise, not os._exit or exec"
LOST = {
    "raises": ("crashed", "KeyError: 'longlong"),
    "raises_a_group": ("crashed", "ExceptionGroup: many (2 sub-exceptions)"),
    "is_interrupted": ("crashed", "KeyboardInterrupt"),
    "exits": ("crashed", "sys.exit('no such thing') was called — have it return or raise"),
    "exits_with_a_word": ("crashed", "exit code 3: no licence"),
    "becomes_another": ("crashed", f"exit code 0, {UNSAID}"),
    "never_returns": ("timeout", "not finished after 6 s — raise the timeout if it needs longer"),
    "kills_its_parent": ("crashed", "its launcher was killed"),
    "reads_nothing": ("crashed", "EOFError: EOF when reading a line"),
    "measures_itself": ("crashed", 'put the call behind if __name__ == "__main__":'),
    "changes_its_input": ("invalid", CHANGED),
    "deletes_its_input": ("invalid", CHANGED),
}
MEASURED = ["is_awaited", "meddles"]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory, intake: Intake) -> dict[str, Record]:
    """Call each in a worker of its own, all of them in one go."""
    directory = tmp_path_factory.mktemp("misbehaving")
    jobs = []
    for order, name in enumerate([*LOST, *MEASURED]):
        given = directory / name
        given.write_text("given")
        jobs.append(make_job(
            directory, intake, directory, order, pipeline=f"{MODULE}:{name}", source=CALL,
            probe="peak", binary_path=str(given), arm=name, call=Call(),
            timeout_s=6.0 if name == "never_returns" else 60.0,
        ))  # fmt: skip
    return {one.job.arm: one for one in iter_records(jobs, settings_in(directory))}


@pytest.mark.parametrize("name", LOST)
def test_what_cannot_be_measured_has_a_status_and_a_reason_in_a_line(
    name: str, records: dict[str, Record]
) -> None:
    status, reason = LOST[name]
    told = first_cause(records[name].detail)
    assert (records[name].status, reason in told) == (status, True), told
    assert len(told) < 600


@pytest.mark.parametrize("name", MEASURED)
def test_what_only_meddles_is_measured(name: str, records: dict[str, Record]) -> None:
    record = records[name]
    assert record.status == "ok", record.detail
    assert misbehaving.MIB <= record.values["heap_peak"] < 4 * misbehaving.MIB
