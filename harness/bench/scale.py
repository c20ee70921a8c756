"""What reading a run costs by how many binaries it has: CPU seconds, memory, lines and bytes.

    python -m harness.bench.scale [10 100 1000 5000]

Of each size two runs are generated that differ in every peak, twenty records a binary, and each
command is a process of its own. A line says what it took, and how many CPU milliseconds each binary
added since the size before: those stay the same as long as the time is linear in the records.
Ends with 3 when a command took more than 60 CPU seconds or 1 GiB over 5,000 binaries or fewer, or a
page has more than 5 MB.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Container
from pathlib import Path

from msgspec import Struct

from harness.bench.generated import a_request, generate
from harness.config import MIB

_SIZES = (10, 100, 1000, 5000)
_JUDGED_UP_TO = 5000
_MOST_CPU_S, _MOST_RSS_BYTES, _MOST_PAGE_BYTES = 60.0, 1024 * MIB, 5_000_000
SUITE = """
description = "Does this version hold more over a fleet?"
corpus = "directory"

[[experiments]]
name = "fleet"
source = ["dwarf", "replay"]
arm = "streaming"
against = "legacy"
replicates = 1
tolerance = 1
overshoot = 1_000_000
gate = true
"""


class Consumption(Struct, frozen=True):
    """What one command took over so many binaries, and how many lines it printed."""

    cpu_s: float
    rss_bytes: int
    lines: int


def commands(place: Path, old: Path, new: Path) -> dict[str, tuple[str, ...]]:
    """Return what is measured, by name; `place` gets what is written."""
    suite = place / "fleet.toml"
    suite.write_text(SUITE)
    return {
        "gate": ("gate", str(new), "--suite", str(suite), "--baseline", str(old)),
        "report --html": ("report", str(new), "--html", "--output", str(place)),
        "compare": ("compare", str(old), str(new)),
        "history": ("history", str(old), str(new), "--output", str(place)),
    }


def cost_of(arguments: tuple[str, ...], codes: Container[int] = (0, 3, 4)) -> Consumption:
    """Run Python; it has to end with one of these exit codes, by default whatever it decides."""
    with tempfile.TemporaryFile() as printed:
        child = subprocess.Popen([sys.executable, *arguments], stdout=printed, stderr=printed)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        said = printed.read()
    if child.returncode not in codes:
        sys.exit(f"{' '.join(arguments)} failed: {said.decode(errors='replace')[-500:]}")
    return Consumption(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, said.count(b"\n"))


def main(*sizes: str) -> None:
    """Print a line for each command and size."""
    before: dict[str, tuple[int, float]] = {}
    missed: list[str] = []
    for size in map(int, sizes or map(str, _SIZES)):
        with tempfile.TemporaryDirectory() as directory:
            place = Path(directory)
            old, new = (generate(a_request(size, place / "runs"), number) for number in (0, 1))
            for name, arguments in commands(place, old, new).items():
                cost = cost_of(("-m", "harness", *arguments))
                page = (place / "report.html").stat().st_size if name == "report --html" else 0
                last_size, last_cpu_s = before.get(name, (0, 0.0))
                each = 1000 * (cost.cpu_s - last_cpu_s) / (size - last_size)
                before[name] = size, cost.cpu_s
                print(
                    f"{size:>6} binaries  {name:<13} {cost.cpu_s:6.1f} s {each:6.1f} ms each "
                    f"{cost.rss_bytes / MIB:5.0f} MiB {cost.lines:4} lines"
                    + (f"  page {page / 1e6:.1f} MB" if page else ""),
                    flush=True,
                )
                if size <= _JUDGED_UP_TO and _is_too_much(cost, page):
                    missed.append(f"{name} over {size} binaries")
    if missed:
        print(f"beyond the goal: {', '.join(missed)}")
        sys.exit(3)


def _is_too_much(cost: Consumption, page_bytes: int) -> bool:
    return (
        cost.cpu_s > _MOST_CPU_S
        or cost.rss_bytes > _MOST_RSS_BYTES
        or page_bytes > _MOST_PAGE_BYTES
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
