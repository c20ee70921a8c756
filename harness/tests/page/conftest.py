"""A real headless browser, and pages that the real command wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.bench.generated import a_request, generate
from harness.loading import load_worst
from harness.publishing import write_files
from harness.reports.report import report_of
from harness.stats.worst import MOST_BINARIES
from harness.tests.page.chromium import REMEDY, find_chromium
from harness.tests.page.hostile import make_hostile_run
from harness.tests.reports.golden_files import RUN

if TYPE_CHECKING:  # elsewhere it need not be installed
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")  # while it is open an event loop runs, and other tests need theirs
def browser() -> Iterator[Browser]:
    executable = find_chromium()
    if not executable:
        pytest.fail(REMEDY, pytrace=False)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - see above

    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=executable, args=root)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of the golden run."""
    return report(RUN, tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a run in which every name is an attack; it lies in the run itself."""
    run = make_hostile_run(tmp_path_factory.mktemp("hostile"))
    return report(run, run)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the page of more binaries than it lists, and one that it does not list."""
    run = generate(a_request(3 * MOST_BINARIES, tmp_path_factory.mktemp("large")))
    found = report_of(load_worst(run))
    listed = {row.binary for row in found.shown.rows}
    unlisted = next(row.binary for row in found.summary.rows if row.binary not in listed)
    return Path(write_files(found, run, run, html=True)[0]["page"]), unlisted


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def report(run: Path, target: Path) -> Path:
    """Write the page of `run` into `target` as `harness report` does, and return it."""
    return Path(write_files(report_of(load_worst(run)), run, target, html=True)[0]["page"])
