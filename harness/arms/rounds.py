"""Measure two versions of the pipelines by a suite: short runs of both in turn, pooled by side.

A drift of the machine hits both alike, because they alternate: base, head, head, base. Each side is
measured by the harness that its own environment has.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.arms.checkouts import Version
from harness.errors import ConfigError, ExitCode, HarnessError
from harness.text import last_line


def measure_in_turn(  # noqa: PLR0913 - what a script would take from its environment
    versions: Sequence[Version],
    suite: str,
    results: Path,
    say: Callable[[str], None],
    *,
    rounds: int,
    replicates: int,
    flame: bool = False,
) -> list[list[Path]]:
    """Run the suite `rounds` times on each side, and return the runs of each, to be pooled.

    `rounds` is even, so that neither side is always first; times `replicates`, it is what the suite
    has to ask for.

    Raises:
        ConfigError: The rounds would favour a side.
        HarnessError: A side cannot be measured.
    """
    if rounds < 2 or rounds % 2:
        raise ConfigError(
            f"{rounds} rounds favour one side", remedy="an even number has neither always first"
        )
    results = results.absolute()
    for number in range(rounds):
        for version in reversed(versions) if number % 2 else versions:
            say(f"round {number + 1} of {rounds}: {version.name}")
            own = _runs(results, versions, version)
            asked = ["--suite", suite, "--replicates", str(replicates), "--results", str(own)]
            _measure(version, [*asked, *(["--flame"] if flame else [])])
    return [sorted(_runs(results, versions, one).iterdir()) for one in versions]


def _runs(results: Path, versions: Sequence[Version], version: Version) -> Path:
    return results / "rounds" / ("base", "head")[versions.index(version)]


def _measure(version: Version, asked: list[str]) -> None:
    # 4 is a replicate that was lost or arms that disagree: the gate says so, and what it means.
    done = subprocess.run(
        [version.python or sys.executable, "-m", "harness", "run", *asked, "--no-report"],
        cwd=version.directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode not in {ExitCode.OK, ExitCode.INVALID}:
        raise HarnessError(
            f"{version.name} cannot be measured (exit code {done.returncode}): "
            f"{last_line(done.stderr)}",
            remedy="see that its environment has harness (--install 'COMMAND')",
        )
