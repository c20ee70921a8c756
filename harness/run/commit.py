"""Which commit a run measured: told, or that of the checkout it was started in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from msgspec import Struct

_PATIENCE_S = 10.0
_OF_CI = ("GITHUB_SHA", "CI_COMMIT_SHA", "BUILDKITE_COMMIT", "CIRCLE_SHA1", "GIT_COMMIT")


class Commit(Struct, frozen=True):
    """A commit, or whatever a user calls it; empty when nobody knows.

    `dirty` says whether tracked files differed from it; None when that is not known.
    """

    name: str = ""
    dirty: bool | None = None


def commit_of(label: str, directory: Path) -> Commit:
    """Return what is being measured from `directory`.

    A label wins, then the checkout that the directory is in. What a CI service says comes last:
    it names the commit that started the job, and a job that compares two has both checked out.
    """
    if label:
        return Commit(label)
    name = _git(directory, "rev-parse", "--verify", "HEAD")
    if name:
        changes = _git(directory, "status", "--porcelain", "--untracked-files=no")
        return Commit(name.strip(), None if changes is None else bool(changes.strip()))
    return Commit(next((os.environ[key] for key in _OF_CI if os.environ.get(key)), ""))


def _git(directory: Path, *arguments: str) -> str | None:
    """Return what git prints; None when there is no git, no checkout, or no answer in time."""
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            # Looking must not write into the checkout that somebody works in.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
