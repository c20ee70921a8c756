"""How much faster than through pyelftools is extraction, for the same output?

Run it with `tox -e bench`, or `python -m harness.tests.symbols.bench BINARY ...`. Both routes run
in fresh processes of their own, in turn, over the same binary; CPU seconds are those of the whole
extraction, imports left out. The outputs are digested and must be equal.

With `--peak` first, it prints the peak heap of extraction alone instead, and what holds most of it.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack

import msgspec

from harness.symbols import open_packages
from harness.tests.symbols.peak import report
from harness.tests.symbols.pyelftools_route import pyelftools_route

ROUTES = ("fast", "pyelftools")
_ROUNDS = 3


def extract(path: str, route: str) -> tuple[float, str]:
    """Return the CPU seconds of one extraction in this process, and the digest of its scopes."""
    digest = hashlib.sha256()
    with ExitStack() as stack:
        if route == "pyelftools":
            stack.enter_context(pyelftools_route())
        started_s = time.process_time()
        source = stack.enter_context(open_packages(path))
        for package in source.packages:
            digest.update(msgspec.json.encode(package.scope))
            for child in package.children:
                digest.update(msgspec.json.encode(child))
        return time.process_time() - started_s, digest.hexdigest()


def _measure(path: str, route: str) -> tuple[float, str]:
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, "--one", route, path],
        capture_output=True,
        check=True,
    )
    seconds, digest = json.loads(done.stdout)
    return float(seconds), str(digest)


def compare(path: str, rounds: int) -> bool:
    """Measure both routes in turn and print their medians; return whether their output agrees."""
    seconds: dict[str, list[float]] = {route: [] for route in ROUTES}
    digests: set[str] = set()
    for number in range(rounds):
        for route in ROUTES if number % 2 == 0 else ROUTES[::-1]:
            taken, digest = _measure(path, route)
            seconds[route].append(taken)
            digests.add(digest)
    fast, slow = (statistics.median(seconds[route]) for route in ROUTES)
    same = len(digests) == 1
    print(
        f"{path}: fast {fast:.2f} CPU s, pyelftools {slow:.2f} CPU s, ratio {slow / fast:.1f}, "
        f"{rounds} rounds, {'same output' if same else 'DIFFERENT OUTPUT'}"
    )
    return same


def main(arguments: list[str]) -> int:
    """Compare the routes on every binary named, or print extraction's peak heap."""
    if arguments[:1] == ["--one"]:
        _, route, path = arguments
        print(json.dumps(extract(path, route)))
        return 0
    if arguments[:1] == ["--peak"]:
        for path in arguments[1:]:
            report(path)
        return 0
    agreeing = [compare(path, _ROUNDS) for path in arguments]
    return 0 if all(agreeing) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
