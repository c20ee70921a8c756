"""What pytest loads: options, the mark, and the way from a marked test to its worker.

Nothing else of the harness is imported before a marked test is collected or reported.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.tested.bodies import Bodies
    from harness.tested.gathered import Gathered

_MARK = (
    "peak_heap(limit=None, *, of=None, grows_less_than=None, tolerance=None): measure the peak "
    "heap of the body in a fresh process; fail where it exceeds the limit, grows with a parameter "
    "by more, or exceeds what is stored."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("peak heap")
    group.addoption(
        "--peak-heap",
        choices=("on", "report", "off"),
        default="on",
        help="Marked tests: on measures and judges them; report measures them and tells; off "
        "runs them like any other.",
    )
    group.addoption(
        "--peak-heap-update",
        action="store_true",
        help="Store the peaks of the marked tests that are compared with a stored one; judge none.",
    )
    group.addoption(
        "--peak-heap-timeout",
        type=float,
        metavar="SECONDS",
        help="The time that the process of one marked test may take.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark, and see to marked tests unless that is off."""
    config.addinivalue_line("markers", _MARK)
    if config.getoption("peak_heap") != "off":
        config.pluginmanager.register(_Plugin(config), "peak-heap")


class _Plugin:
    """Measures marked tests where they run, and judges them together where reports are gathered."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._bodies: Bodies | None = None
        self._gathered: Gathered | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Have marked tests run in workers, and none of their fixtures here."""
        marked = [item for item in items if item.get_closest_marker("peak_heap")]
        if marked and not self._config.option.collectonly:
            from harness.tested.bodies import Bodies  # noqa: PLC0415  for marked tests alone

            self._bodies = Bodies(self._config, marked)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send what was measured to where reports are gathered."""
        report = yield
        if self._bodies is not None and call.when == "call":
            found = self._bodies.measured.pop(item.nodeid, None)
            if found is not None:
                report.peak_heap = found  # type: ignore[attr-defined]
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        """Judge growth before anybody counts the report: only here are all sizes known."""
        if hasattr(report, "peak_heap") and not hasattr(self._config, "workerinput"):
            from harness.tested.gathered import Gathered  # noqa: PLC0415  likewise

            self._gathered = self._gathered or Gathered(self._config)
            self._gathered.take(report)
        return (yield)

    def pytest_sessionfinish(self) -> None:
        """Store peaks, if that was asked for."""
        if self._gathered is not None:
            self._gathered.store()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was measured, if that was asked for, and what could not be judged."""
        lines = self._gathered.lines() if self._gathered is not None else []
        if lines:
            terminalreporter.section("peak heap")
            for line in lines:
                terminalreporter.write_line(line)
