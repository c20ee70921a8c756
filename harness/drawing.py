"""Draw every registered plot of a run; where this process does nothing else, two of them draw."""

from __future__ import annotations

import os
import signal
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from harness.contracts import NO_DATA
from harness.errors import ConfigError, HarnessError
from harness.plots.style import write
from harness.registry import load, names
from harness.stats.frames import Frames


class Drawn(NamedTuple):
    """A picture on disk, and the question it answers."""

    path: Path
    question: str


class Drawing:
    """The pictures of a run, which a second process begins to draw at once.

    Numbers of those that nobody has begun are in a pipe, from which both processes take the next
    one: a read takes a number from the other. What the second one fails in is done again here, so
    that an error is told as if there were no other. A plot that breaks down takes no other one with
    it.
    """

    def __init__(self, frames: Frames, directory: Path, *, png: bool = False) -> None:
        self._frames, self._directory, self._png = frames, directory, png
        self._names = names("plot")
        self._broken: dict[str, HarnessError] = {}
        self._numbers, end = os.pipe()
        os.write(end, array("H", range(len(self._names))).tobytes())
        os.close(end)
        self._helper, self._answer = None, None
        if _may_fork():
            self._answer, answer = get_context("fork").Pipe(duplex=False)
            helper = get_context("fork").Process(target=self._help, args=(answer,), daemon=True)
            with answer, suppress(OSError):  # where no further process is allowed, one draws
                helper.start()

    @cached_property
    def pictures(self) -> dict[str, Drawn]:
        """Those that have something to show, by the names of their plots, once all are drawn."""
        mine = dict(self._iter_drawn(self._draw_or_note))
        os.close(self._numbers)
        found = self._helped() | mine
        every = {
            name: found[name] if name in found else self._draw_or_note(name) for name in self._names
        }
        return {name: drawn for name, drawn in every.items() if drawn}

    @property
    def broken(self) -> list[HarnessError]:
        """Why which plot broke down, once `pictures` were asked for."""
        return [self._broken[name] for name in self._names if name in self._broken]

    def _helped(self) -> dict[str, Drawn | None]:
        if self._answer is None:
            return {}
        with self._answer, suppress(EOFError):
            done: dict[str, Drawn | None] = self._answer.recv()
            return done
        return {}

    def _help(self, answer: Connection) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is interrupted ends this process too
        with suppress(Exception):
            answer.send(dict(self._iter_drawn(self._draw)))

    def _iter_drawn(
        self, draw: Callable[[str], Drawn | None]
    ) -> Iterator[tuple[str, Drawn | None]]:
        while number := os.read(self._numbers, array("H").itemsize):
            name = self._names[int.from_bytes(number, sys.byteorder)]
            yield name, draw(name)

    def _draw_or_note(self, name: str) -> Drawn | None:
        try:
            return self._draw(name)
        except HarnessError as error:
            self._broken[name] = error
        return None

    def _draw(self, name: str) -> Drawn | None:
        plot = load("plot", name)
        with _whole(name):
            figure = plot(self._frames)
            if figure.get_gid() == NO_DATA:
                return None
        with _whole(name, but=OSError):  # what the disk refuses is no fault of the plot
            path = write(figure, self._directory, name, png=self._png)
        return Drawn(path, figure.get_suptitle())


@contextmanager
def _whole(name: str, but: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """Say of what is raised inside which plot it was: anybody's code may raise anything.

    Raises:
        ConfigError: The plot broke down.
    """
    try:
        yield
    except but:
        raise
    except Exception as error:
        raise ConfigError(
            f"plot {name!r} broke down: {type(error).__name__}: {error}",
            remedy="mend it, or uninstall its package",
        ) from error


def _may_fork() -> bool:
    """Whether a copy of this process can go on: no other thread holds a lock that it would need."""
    alone = threading.active_count() == 1
    return sys.platform == "linux" and alone and len(os.sched_getaffinity(0)) > 1
