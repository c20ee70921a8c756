"""One child process behind a launcher, as the parent sees it: pipes to watch, an ending to read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from msgspec import Struct, convert, to_builtins

from harness.limits.backend import Confinement

STDERR_TAIL_BYTES = 8192
MEMRAY_ERROR = b"Memray ERROR"
_READ_BYTES = 1 << 16
_STOP_S = 10.0
_LAUNCHER = str(Path(__file__).with_name("launcher.py"))


class Spec(Struct, frozen=True, kw_only=True):
    """What a launcher is asked to run. `address_space_bytes` of 0 is no limit."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    input: str = ""
    timeout_s: float
    address_space_bytes: int = 0
    confinement: Confinement = Confinement()


class LauncherReport(Struct, frozen=True, kw_only=True):
    """How the child ended, as its launcher saw it; a negative exit code is a signal.

    `ending` is `exited`, `timeout`, or `stopped` when the parent asked for it. Addresses were
    `randomised` where the system refused to do without. In a cgroup of its own, `oom_kills` are
    those in it and `charged_bytes` is its peak. Without one they are 0, and all that is known is
    how often the kernel killed anybody on this machine meanwhile: `kills_anywhere`.
    """

    exit_code: int
    ending: str
    wall_s: float
    oom_kills: int
    kills_anywhere: int
    charged_bytes: int
    randomised: bool
    max_rss_bytes: int
    voluntary_switches: int
    involuntary_switches: int


class Ending(Struct, frozen=True, kw_only=True):
    """Everything that is left of a child. Without a report its launcher was killed."""

    report: LauncherReport | None
    lines: list[bytes]
    torn: bool
    stderr_tail: str
    memray_error: bool


class Child:
    """A running child. Call `read` for each ready pipe of `pipes` until `ended`, then `ending`."""

    def __init__(self, spec: Spec) -> None:
        result_r, result_w = os.pipe()
        try:
            self._launcher = subprocess.Popen(
                [sys.executable, "-I", "-S", _LAUNCHER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(result_w,),
                start_new_session=True,
                cwd="/",
            )
        except OSError:
            os.close(result_r)
            raise
        finally:
            os.close(result_w)
        assert self._launcher.stdout is not None
        assert self._launcher.stderr is not None
        self._result: IO[bytes] = os.fdopen(result_r, "rb", buffering=0)
        self._report: IO[bytes] = self._launcher.stdout
        self._stderr: IO[bytes] = self._launcher.stderr
        self.pipes = {self._result, self._report, self._stderr}
        self._content = {pipe: bytearray() for pipe in self.pipes}
        self._memray_error = False
        self._ask({**to_builtins(spec), "result_fd": result_w})

    def _ask(self, request: dict[str, object]) -> None:
        """Send the spec; a launcher that is dead already shows as an ending without a report."""
        assert self._launcher.stdin is not None
        self._control: IO[bytes] = self._launcher.stdin
        with suppress(BrokenPipeError):
            self._control.write(json.dumps(request).encode() + b"\n")
            self._control.flush()

    @property
    def ended(self) -> bool:
        """Whether every pipe has reached its end, which no descendant of the child outlives."""
        return not self.pipes

    def read(self, pipe: IO[bytes]) -> None:
        """Take in what `pipe` has; it leaves `pipes` at its end."""
        data = os.read(pipe.fileno(), _READ_BYTES)
        content = self._content[pipe]
        content += data
        if pipe is self._stderr:
            self._memray_error = self._memray_error or MEMRAY_ERROR in content
            del content[:-STDERR_TAIL_BYTES]
        if not data:
            self.pipes.discard(pipe)

    def ending(self) -> Ending:
        """Close what is open and return what the child left."""
        self._close()
        *lines, rest = bytes(self._content[self._result]).split(b"\n")
        return Ending(
            report=_report(bytes(self._content[self._report])),
            lines=lines,
            torn=bool(rest),
            stderr_tail=self._content[self._stderr].decode("utf-8", "backslashreplace"),
            memray_error=self._memray_error,
        )

    def stop(self) -> None:
        """Kill the child and all its descendants; returns when they are gone."""
        self._close_control()
        try:
            self._launcher.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            self._launcher.kill()
        self._close()

    def _close(self) -> None:
        self._close_control()
        self._launcher.wait()
        for stream in self._content:
            stream.close()

    def _close_control(self) -> None:
        with suppress(BrokenPipeError):
            self._control.close()


def _report(line: bytes) -> LauncherReport | None:
    return convert(json.loads(line), LauncherReport) if line.endswith(b"\n") else None
