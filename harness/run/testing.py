"""Measure the body of one test: pytest itself sets it up, calls it and tears it down, in a worker.

What pytest has to say of the test goes to a file as its own reports, which the other side reads.
"""

from __future__ import annotations

import ctypes
import inspect
import json
import sys
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest

from harness.errors import MeasurementInvalid
from harness.records import Counters, Job
from harness.run.frames import Failed, Frame, WorkDone
from harness.run.measuring import Measurement

STAGE = "other"

_SHOWN_CHARACTERS = 1 << 16

ENDED_BY = "ended_by"
"""The attribute of a report that names what the phase raised, whatever pytest makes of it."""


def measure_test(job: Job) -> Frame:
    """Let pytest run the test of this job, and return what its body held."""
    assert job.call is not None
    test, options, workerinput = job.call.args
    sys.path[:] = job.call.paths
    given = {**json.loads(options), "basetemp": str(Path(job.scratch, "basetemp"))}
    try:
        config = pytest.Config.fromdictargs(given, [test])
        # Plugins that report or distribute know by this that another process does so.
        config.workerinput = json.loads(workerinput)  # type: ignore[attr-defined]
        body = _Body(config, job)
        config.pluginmanager.register(body, "peak-heap-body")
        config.hook.pytest_cmdline_main(config=config)
    except pytest.UsageError as error:
        return Failed("rejected", "; ".join(map(str, error.args)))
    return body.frame()


class _Body:
    """Puts the probe around the body, and keeps what pytest reports."""

    def __init__(self, config: pytest.Config, job: Job) -> None:
        assert job.call is not None
        self._config, self._reports = config, Path(job.call.output)
        self._measurement = Measurement(job)
        self._failure = Failed("rejected", "the test has no body that pytest calls")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Have the function measured, whoever calls it: pytest, or what runs event loops."""
        self._failure = Failed("rejected", "the test did not pass")
        function = pyfuncitem.obj
        measured = self._awaiting if inspect.iscoroutinefunction(function) else self._calling
        pyfuncitem.obj = measured(function)
        try:
            result = yield
        except MeasurementInvalid as error:
            self._failure = Failed("invalid", str(error))
            return True
        self._failure = Failed("", "")
        return result

    def _calling(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            _give_back_what_is_free()
            return self._measurement.call(partial(_called, function, args, kwargs))

        return call

    def _awaiting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        async def call(*args: Any, **kwargs: Any) -> Any:
            _give_back_what_is_free()
            return await self._measurement.wait_for(partial(_awaited, function, args, kwargs))

        return call

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note what a phase raised."""
        report = yield
        setattr(report, ENDED_BY, call.excinfo.typename if call.excinfo else "")
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a report on one phase."""
        self._keep(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep the report on what could not be collected."""
        if report.failed:
            self._keep(report)

    def _keep(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        hook: Any = self._config.hook
        report.sections = [(title, _end_of(text)) for title, text in _of_its_own(report)]
        data = hook.pytest_report_to_serializable(config=self._config, report=report)
        with self._reports.open("a", encoding="utf-8") as file:
            file.write(json.dumps(data, default=str) + "\n")

    def frame(self) -> Frame:
        """Return what was measured, or why nothing was."""
        if self._failure.status:
            return self._failure
        return self._measurement.done(WorkDone(counters=Counters()))


def _of_its_own(report: pytest.TestReport | pytest.CollectReport) -> list[tuple[str, str]]:
    """Return what was captured in this phase: a report repeats that of the phases before."""
    return [one for one in report.sections if one[0].endswith(f" {report.when}")]


def _end_of(text: str) -> str:
    """Return the end of what was printed: bodies may print gigabytes, which nobody reads."""
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return f"... {len(text) - _SHOWN_CHARACTERS:,} characters\n{text[-_SHOWN_CHARACTERS:]}"


def _called(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    return function(*args, **kwargs)


async def _awaited(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    return await function(*args, **kwargs)


def _give_back_what_is_free() -> None:
    """Return what fixtures have used and freed to the system, so that it becomes resident again.

    Else a body that takes it anew would seem to hold memory that is not there.
    """
    with suppress(AttributeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)
