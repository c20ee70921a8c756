"""Marked tests where they run: each body in a worker, its peak judged by what the test asks."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.tested.body import LINES, NUMBER, BodyFailed, Ended, outcome_of, run_body
from harness.tested.marks import Asked, asked_of
from harness.tested.stored import environment, place_of, stored_peak
from harness.units import format_bytes

_MOST_LINES = 10


class Bodies:
    """The marked tests of one process.

    `measured` is what is to be reported of each that was measured, by its name.
    """

    def __init__(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        self.measured: dict[str, dict[str, Any]] = {}
        self._mode = "update" if config.option.peak_heap_update else config.option.peak_heap
        self._sizes: dict[str, set[float]] = defaultdict(set)
        for item in items:
            asked = asked_of(item)
            if asked is not None:
                self._take(item, asked)

    def _take(self, item: pytest.Item, asked: Asked) -> None:
        if asked.of:
            self._sizes[asked.family].add(asked.size)
        plain: Any = item
        plain.repr_failure = partial(_told, item.repr_failure)
        plain.setup = lambda: None  # fixtures are set up where the body runs
        plain.runtest = partial(self._run, item, asked)

    def _run(self, item: pytest.Item, asked: Asked) -> None:
        """Run a test, and fail if it did or if it held too much."""
        ended = run_body(item, NUMBER)
        outcome_of(item, ended)
        if ended.record.status != "ok":
            pytest.fail(f"its peak heap was not measured: {ended.record.detail}", pytrace=False)
        item.user_properties.append(("peak_heap_bytes", ended.peak_bytes))
        self.measured[item.nodeid] = self._report(item, asked, ended)
        try:
            problem = _problem(item, asked, ended.peak_bytes) if self._mode == "on" else ""
        except HarnessError as error:
            pytest.fail(str(error), pytrace=False)
        if problem:
            pytest.fail(f"{problem}\n{_lines_of(run_body(item, LINES))}", pytrace=False)

    def _report(self, item: pytest.Item, asked: Asked, ended: Ended) -> dict[str, Any]:
        """Return what is known of a test where all of them are known; JSON can hold it."""
        found: dict[str, Any] = {"bytes": ended.peak_bytes}
        if asked.tolerance_pct is not None:
            path, name = place_of(item)
            found |= {"file": str(path), "name": name}
        if asked.of:
            sizes = self._sizes[asked.family]
            found |= {"of": asked.of, "size": asked.size, "family": asked.family}
            found |= {"sizes": len(sizes), "growth_bytes": asked.growth_bytes}
            if asked.size == max(sizes) and self._mode == "on":
                found["lines"] = _lines_of(run_body(item, LINES))
        return found


def _told(usual: Any, error: pytest.ExceptionInfo[BaseException]) -> Any:
    """Return what is shown of a failure: what pytest made of it where it happened."""
    return error.value.told if isinstance(error.value, BodyFailed) else usual(error)


def _problem(item: pytest.Item, asked: Asked, peak_bytes: int) -> str:
    """Return what speaks against a peak; empty if nothing does."""
    peak = f"peak heap is {_size(peak_bytes)}"
    if asked.limit_bytes is not None and peak_bytes > asked.limit_bytes:
        over = format_bytes(peak_bytes - asked.limit_bytes)
        return f"{peak}, {over} above the limit of {_size(asked.limit_bytes)}"
    if asked.tolerance_pct is None:
        return ""
    path, name = place_of(item)
    stored = stored_peak(path, name)
    if stored is None:
        return (
            f"{peak}, and {path.name} has none of {environment()} to compare it with — "
            "run pytest --peak-heap-update, and commit the file"
        )
    if 100 * peak_bytes <= (100 + asked.tolerance_pct) * stored:
        return ""
    change = f"{100 * (peak_bytes / stored - 1):.1f} % above" if stored else "above"
    return (
        f"{peak}, {change} the {_size(stored)} in {path.name}; {asked.tolerance_pct:g} % are "
        "allowed — if it has to be, run pytest --peak-heap-update"
    )


def _size(size_bytes: int) -> str:
    return f"{format_bytes(size_bytes)} ({size_bytes:,} bytes)"


def _lines_of(ended: Ended) -> str:
    """Return the lines that hold most of a peak, largest first."""
    if ended.record.status != "ok":
        return f"the lines that hold it are not known: {ended.record.detail}"
    sizes: Counter[str] = Counter()
    for one in ended.record.holdings:
        sizes[f"{one.location}  {one.code}".rstrip()] += one.size_bytes
    shown = [f"{format_bytes(size):>10}  {line}" for line, size in sizes.most_common(_MOST_LINES)]
    return "\n".join(["held at the peak by:", *shown])
