"""Callables that do what nobody should, for `test_misbehaving`; a worker imports this."""

from __future__ import annotations

import asyncio
import gc
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import harness

MIB = 1 << 20


def raises(path: str) -> None:
    raise ValueError(f"no luck\n{path}") from KeyError(2000 * "long")


def raises_a_group(_: str) -> None:
    raise ExceptionGroup("many", [ValueError("a"), TypeError("b")])


def is_interrupted(_: str) -> None:
    raise KeyboardInterrupt


async def is_cancelled(_: str) -> None:
    raise asyncio.CancelledError


def exits(_: str) -> None:
    sys.exit("no such thing")


def exits_unseen(_: str) -> None:
    os._exit(0)


def exits_with_a_word(_: str) -> None:
    os.write(2, b"first\nno licence\n")
    os._exit(3)


def becomes_another(_: str) -> None:
    os.execv("/bin/true", ["true"])  # noqa: S606


def never_returns(_: str) -> None:
    time.sleep(3600)


def kills_its_group(_: str) -> None:
    os.killpg(0, signal.SIGKILL)


def kills_its_parent(_: str) -> None:
    os.kill(os.getppid(), signal.SIGKILL)


def reads_nothing(_: None) -> str:
    return input()


def measures_itself(_: str) -> None:
    harness.measure(raises)


def forks(_: str) -> None:
    if not os.fork():
        os._exit(0)
    os.wait()


def leaves_a_child(_: str) -> int:
    return subprocess.Popen(["/bin/sleep", "3600"]).pid


def changes_its_input(path: str) -> None:
    with Path(path).open("a") as file:
        file.write("more")


def deletes_its_input(path: str) -> None:
    Path(path).unlink()


def profiles(_: str) -> None:
    sys.setprofile(lambda *_: None)


def prints(_: str) -> bytearray:
    line = 2**16 * "x"
    for _number in range(2**10):
        sys.stdout.write(line)
        sys.stderr.write(line[:99])
    return bytearray(MIB)


def closes_its_streams(_: str) -> bytearray:
    sys.stdout.close()
    sys.stderr.close()
    os.closerange(1, 3)
    return bytearray(MIB)


def changes_directory(_: str) -> bytearray:
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()
    return bytearray(MIB)


def meddles(_: str) -> bytearray:
    gc.disable()
    sys.settrace(lambda *_: None)
    sys.setprofile = lambda _: None
    os.environ.clear()
    sys.modules.clear()
    return bytearray(MIB)


def returns_what_cannot_be_sent(_: str) -> Any:
    return threading.Lock(), bytearray(MIB)


def yields(_: str) -> Iterator[bytearray]:
    yield bytearray(MIB)


async def yields_in_time(_: str) -> AsyncIterator[bytearray]:
    await asyncio.sleep(0)
    yield bytearray(MIB)


async def is_awaited(_: str) -> bytearray:
    await asyncio.sleep(0)
    return bytearray(MIB)


def works_in_threads(_: str) -> None:
    held: list[bytearray] = []
    thread = threading.Thread(target=lambda: held.append(bytearray(MIB)))
    thread.start()
    thread.join()
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()


def maps(_: str) -> None:
    with mmap.mmap(-1, MIB) as area:
        area.write(MIB * b"x")
