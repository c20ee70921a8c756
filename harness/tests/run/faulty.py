"""Pipelines that go wrong for real, each in one way; run in workers by the tests.

The first call in a process is the warm-up, over one package of one function: it has to pass.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.contracts import Poster
from harness.errors import InputRejected
from harness.model import Package, Scope
from harness.pipelines import streaming
from harness.records import Counters
from harness.run.frames import RESULT_FD


def _is_warm_up(poster: Poster) -> bool:
    return poster.options.upload_id.startswith("00000000")


def _after_warm_up(fault: Callable[[], None]) -> Callable[..., Counters]:
    """Return the streaming pipeline, with `fault` in front of it once it counts."""

    def run(packages: Iterator[Package], poster: Poster, *rest: Any) -> Counters:
        if not _is_warm_up(poster):
            fault()
        return streaming.run(packages, poster, *rest)

    return run


def _note_pids(*pids: int) -> None:
    Path(tempfile.gettempdir(), "pids").write_text(" ".join(map(str, pids)))


def _hang() -> None:
    """Hang, with a grandchild in the same session and another in one of its own."""
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    children = [subprocess.Popen(sleeper, start_new_session=own) for own in (False, True)]
    _note_pids(os.getpid(), *(child.pid for child in children))
    time.sleep(600)


def _leave_child() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    _note_pids(child.pid)


def _raise() -> None:
    raise ZeroDivisionError("on purpose")


def _raise_variable() -> None:
    raise ZeroDivisionError(os.environ["HARNESS_TEST"])


def _reject() -> None:
    raise InputRejected("not fit", file="a.out")


def _fill_memory() -> None:
    bytearray(1 << 40)


def _complain_like_memray() -> None:
    os.write(2, b"Memray ERROR: Failed to write output, deactivating tracking\n")


def _truncate_capture_at_exit() -> None:
    path = Path(tempfile.gettempdir(), "capture.bin")
    atexit.register(lambda: os.truncate(path, path.stat().st_size - 1))


def _change_capture_at_exit() -> None:
    path = Path(tempfile.gettempdir(), "capture.bin")

    def change() -> None:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)

    atexit.register(change)


def _cut_the_last_line_at_exit() -> None:
    atexit.register(lambda: os.write(RESULT_FD, b'{"type":"done"'))


exits = _after_warm_up(lambda: os._exit(7))
is_killed = _after_warm_up(lambda: os.kill(os.getpid(), signal.SIGKILL))
is_terminated = _after_warm_up(lambda: os.kill(os.getpid(), signal.SIGTERM))
segfaults = _after_warm_up(lambda: os.kill(os.getpid(), signal.SIGSEGV))
raises = _after_warm_up(_raise)
raises_its_variable = _after_warm_up(_raise_variable)
rejects = _after_warm_up(_reject)
fills_memory = _after_warm_up(_fill_memory)
hangs = _after_warm_up(_hang)
leaves_child = _after_warm_up(_leave_child)
complains_like_memray = _after_warm_up(_complain_like_memray)
truncates_capture = _after_warm_up(_truncate_capture_at_exit)
changes_capture = _after_warm_up(_change_capture_at_exit)
says_half_a_line_more = _after_warm_up(_cut_the_last_line_at_exit)


def drops_a_scope(packages: Iterator[Package], *rest: Any) -> Counters:
    """Deliver all but the first child of every package, and claim so."""
    thinned = (
        Package(package.scope, package.language, _but_first(package.children))
        for package in packages
    )
    return streaming.run(thinned, *rest)


def overstates_itself(*given: Any) -> Counters:
    """Claim one function more than its batches have."""
    counters = streaming.run(*given)
    counters.functions += 1
    sys.stderr.write("counted one too many\n")
    return counters


def swallows_everything(packages: Iterator[Package], *_: Any) -> Counters:
    """Do nothing with anything."""
    with suppress(StopIteration):
        next(packages)
    return Counters()


def _but_first(children: Iterator[Scope]) -> Iterator[Scope]:
    next(children, None)
    yield from children


_EXPECTED = {"PATH", "LC_ALL", "PYTHONSAFEPATH", "PYTHONPATH", "PYTHONHASHSEED", "TMPDIR"}


def check(*given: Any) -> Counters:
    """Refuse to work in any other environment than the declared one."""
    surplus = set(os.environ) - _EXPECTED - {"LD_LIBRARY_PATH"}
    nearby = list(Path().iterdir())
    if surplus or os.environ["PYTHONHASHSEED"] != "7" or nearby:
        raise RuntimeError(f"unexpected: {surplus} {nearby}")
    return streaming.run(*given)
