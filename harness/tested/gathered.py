"""What all marked tests have measured, where their reports are gathered: growth, and what to store.

With xdist, that is the process which runs no test.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.tested.stored import store_peaks
from harness.text import counted
from harness.units import format_bytes

_MOST_PEAKS = 40


class Gathered:
    """Takes reports one by one, and fails the one that completes a family which grows too much."""

    def __init__(self, config: pytest.Config) -> None:
        self._update = bool(config.option.peak_heap_update)
        self._judging = config.option.peak_heap == "on" and not self._update
        self._telling = config.option.peak_heap == "report" or config.option.verbose > 0
        self._peaks: dict[str, int] = {}
        self._to_store: dict[Path, dict[str, int]] = defaultdict(dict)
        self._families: dict[str, dict[float, dict[str, Any]]] = defaultdict(dict)
        self._notes: list[str] = []

    def take(self, report: Any) -> None:
        """Take a report with what was measured, and let it fail if the family does."""
        found = report.peak_heap
        self._peaks[report.nodeid] = found["bytes"]
        if "file" in found:
            self._to_store[Path(found["file"])][found["name"]] = found["bytes"]
        if "family" not in found:
            return
        family = self._families[found["family"]]
        family[found["size"]] = found
        if len(family) < found["sizes"] or len(family) < 2 or not self._judging:
            return
        problem = _growth_problem(family)
        if problem and report.passed:
            report.outcome = "skipped" if hasattr(report, "wasxfail") else "failed"
            report.longrepr = problem

    def store(self) -> None:
        """Store peaks, if that was asked for."""
        for path, peaks in self._to_store.items() if self._update else ():
            try:
                store_peaks(path, peaks)
            except HarnessError as error:
                raise pytest.UsageError(str(error)) from None
            self._notes.append(f"{counted(len(peaks), 'peak')} stored in {path}")

    def lines(self) -> list[str]:
        """Return what to tell at the end: peaks if they are wanted, and what is not known.

        Of many peaks those are told that are largest.
        """
        wanted = self._peaks if self._telling else {}
        largest = sorted(wanted, key=lambda name: (-wanted[name], name))[:_MOST_PEAKS]
        peaks = [
            f"{format_bytes(wanted[name]):>10}  {wanted[name]:>15,}  {name}"
            for name in sorted(largest)
        ]
        if left_out := len(wanted) - len(largest):
            peaks.append(f"{left_out:,} smaller peaks: --junit-xml has them all")
        return [*peaks, *self._notes, *self._not_judged()]

    def _not_judged(self) -> list[str]:
        return [
            f"growth of {name} was not judged: it takes two sizes at least, and each has to pass"
            for name, family in self._families.items()
            if self._judging and len(family) < max(2, next(iter(family.values()))["sizes"])
        ]


def _growth_problem(family: dict[float, dict[str, Any]]) -> str:
    """Return what speaks against the growth from the smallest size to the largest."""
    small, large = family[min(family)], family[max(family)]
    growth = (large["bytes"] - small["bytes"]) / (large["size"] - small["size"])
    if growth < large["growth_bytes"]:
        return ""
    of = large["of"]
    steps = [
        f"{format_bytes(one['bytes']):>10}  {of} = {size:,}" for size, one in sorted(family.items())
    ]
    asked = f"and less than {large['growth_bytes']:,.3g} was asked for"
    head = f"peak heap grows by {growth:,.3g} bytes for each {of}, {asked}"
    return "\n".join([head, *steps, f"at {of} = {large['size']:,} {large.get('lines', '')}"])
