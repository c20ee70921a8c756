"""A directory for what a run needs only while it lasts, gone afterwards however the run ends.

A parent that is killed cannot tidy up, so a process that waits for its end does. What goes down
with both, in a container that is killed for instance, the next run removes. Whether somebody still
uses a directory is told by a lock on a file in it, which dies with its process: no process number
that could be taken by another, and no age that a clock set back could spoil.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from harness.errors import StoreError, failing_as

_PREFIX = "harness-"
_LOCK, _UNLOCKED = ".lock", ".unlocked"
_REMEDY = "name one that can be written with TMPDIR"


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """Return a new directory that is removed on leaving; those that are nobody's go right away.

    Raises:
        StoreError: There is no room for one, or no right to make it.
    """
    with failing_as(StoreError, "cannot create a directory for captures", _REMEDY):
        parent = Path(tempfile.gettempdir())
    _remove_abandoned(parent)
    path = parent / f"{_PREFIX}{secrets.token_hex(4)}"
    with _remover(path):  # there before what it removes
        with failing_as(StoreError, f"cannot create {path} for captures", _REMEDY):
            path.mkdir(mode=0o700)
        try:
            handle = _take(path / _UNLOCKED)
            try:
                # The file gets its name when it is locked: found unlocked, it belongs to nobody.
                (path / _UNLOCKED).rename(path / _LOCK)
                yield path
            finally:
                os.close(handle)
        finally:
            shutil.rmtree(path, ignore_errors=True)


def _remover(path: Path) -> AbstractContextManager[object]:
    """Start what removes a directory once we are gone; leaving the context ends it, too."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("remover.py")), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )


def _take(lock: Path) -> int:
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def _remove_abandoned(parent: Path) -> None:
    """Remove directories like ours, of this user, whose lock nobody holds."""
    with suppress(OSError):
        for path in parent.glob(f"{_PREFIX}*/{_LOCK}"):
            _remove_if_abandoned(path)


def _remove_if_abandoned(lock: Path) -> None:
    try:
        if lock.parent.is_symlink() or lock.parent.stat().st_uid != os.getuid():
            return
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(lock.parent, ignore_errors=True)
    except OSError:
        return  # it is in use
    finally:
        os.close(handle)
