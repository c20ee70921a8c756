"""How much faster than through pyelftools is extraction, for the same output?

Run it with `tox -e bench`, or `python -m harness.tests.bench.extraction BINARY ...`. Both routes
run in fresh processes of their own, in turn, over the same binary; CPU seconds are those of the
whole extraction, imports left out. The outputs are digested and must be equal. A second line leaves
out what is built on the reading, which both routes share: there it is entries, ranges, locations
and line tables that are read, and nothing else.

With `--peak` first, it prints the peak heap of extraction alone instead, and what holds most of it;
with `--total`, what extracting every binary of a directory costs, one after the other.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import msgspec

from harness.bench.peak import report
from harness.symbols import open_packages
from harness.tests.symbols.pyelftools_route import pyelftools_route
from harness.tests.symbols.reading import read_everything

ROUTES = ("fast", "pyelftools")
_ROUNDS = 3


def read(path: str) -> str:
    """Read what extraction reads of a binary, and return what tells two readings apart."""
    return json.dumps(sorted(read_everything(path).items()))


def extract(path: str) -> str:
    """Extract a binary and return the digest of its scopes."""
    digest = hashlib.sha256()
    with open_packages(path) as source:
        for package in source.packages:
            digest.update(msgspec.json.encode(package.scope))
            for child in package.children:
                digest.update(msgspec.json.encode(child))
    return digest.hexdigest()


WORK: dict[str, Callable[[str], str]] = {"extraction": extract, "reading alone": read}


def run(work: str, path: str, route: str) -> tuple[float, str]:
    """Return the CPU seconds that one piece of work takes in this process, and its outcome."""
    with pyelftools_route() if route == "pyelftools" else nullcontext():
        started_s = time.process_time()
        outcome = WORK[work](path)
        return time.process_time() - started_s, outcome


def _measure(work: str, path: str, route: str) -> tuple[float, str]:
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, "--one", work, path, route],
        capture_output=True,
        check=True,
    )
    seconds, outcome = json.loads(done.stdout)
    return float(seconds), str(outcome)


def compare(work: str, path: str, rounds: int) -> bool:
    """Measure both routes in turn and print their medians; return whether their outcomes agree."""
    seconds: dict[str, list[float]] = {route: [] for route in ROUTES}
    outcomes: set[str] = set()
    for number in range(rounds):
        for route in ROUTES if number % 2 == 0 else ROUTES[::-1]:
            taken, outcome = _measure(work, path, route)
            seconds[route].append(taken)
            outcomes.add(outcome)
    fast, slow = (statistics.median(seconds[route]) for route in ROUTES)
    same = len(outcomes) == 1
    print(
        f"{path}: {work}: fast {fast:.2f} CPU s, pyelftools {slow:.2f} CPU s, "
        f"ratio {slow / fast:.1f}, {rounds} rounds, {'same' if same else 'DIFFERENT'} outcome",
        flush=True,
    )
    return same


def add_up(directory: str) -> None:
    """Print the CPU seconds of each binary of a directory, imports left out, and their sum."""
    total_s = 0.0
    for path in sorted(Path(directory).glob("[!.]*"), key=lambda path: path.stat().st_size):
        taken_s, _ = _measure("extraction", str(path), "fast")
        total_s += taken_s
        print(f"{path}: {taken_s:.2f} CPU s", flush=True)
    print(f"{directory}: {total_s:.1f} CPU s in all (goal for the default corpus: at most 60)")


def main(arguments: list[str]) -> int:
    """Compare the routes on every binary named, or print what extraction costs."""
    if arguments[:1] == ["--one"]:
        _, work, path, route = arguments
        print(json.dumps(run(work, path, route)))
        return 0
    if arguments[:1] == ["--peak"]:
        for path in arguments[1:]:
            report(path)
        return 0
    if arguments[:1] == ["--total"]:
        for directory in arguments[1:]:
            add_up(directory)
        return 0
    agreeing = [compare(work, path, _ROUNDS) for path in arguments for work in WORK]
    return 0 if all(agreeing) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
