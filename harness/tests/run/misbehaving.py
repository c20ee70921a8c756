"""Callables that do what nobody should, for `test_misbehaving`; a worker imports this."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import time
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


def exits(_: str) -> None:
    sys.exit("no such thing")


def exits_with_a_word(_: str) -> None:
    os.write(2, b"first\nno licence\n")
    os._exit(3)


def becomes_another(_: str) -> None:
    os.execv("/bin/true", ["true"])  # noqa: S606


def never_returns(_: str) -> None:
    time.sleep(3600)


def kills_its_parent(_: str) -> None:
    os.kill(os.getppid(), signal.SIGKILL)


def reads_nothing(_: None) -> str:
    return input()


def measures_itself(_: str) -> None:
    harness.measure(raises)


def changes_its_input(path: str) -> None:
    with Path(path).open("a") as file:
        file.write("more")


def deletes_its_input(path: str) -> None:
    Path(path).unlink()


async def is_awaited(_: str) -> bytearray:
    await asyncio.sleep(0)
    return bytearray(MIB)


def meddles(_: str) -> tuple[bytearray, Any]:
    print(2**20 * "x")
    thread = threading.Thread(target=time.sleep, args=(3600,), daemon=True)
    thread.start()
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()
    gc.disable()
    sys.settrace(lambda *_: None)
    sys.setprofile = lambda _: None
    os.environ.clear()
    sys.stdout.close()
    sys.stderr.close()
    os.closerange(1, 3)
    sys.modules.clear()
    return bytearray(MIB), thread
