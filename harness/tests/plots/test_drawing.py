"""Pictures drawn by two processes: the same as by one, whatever becomes of the second."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from harness import drawing
from harness.drawing import Drawing
from harness.loading import load_frames
from harness.plots.style import no_data
from harness.stats.frames import Frames
from harness.tests.reports.golden_files import RUN

NAMES = ["first", "nothing", "second", "third"]


def ask(name: str) -> Figure:
    figure = Figure()
    figure.suptitle(name)
    return no_data(name, "there is none") if name == "nothing" else figure


@pytest.fixture
def plots(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], Figure]], None]:
    def install(draw: Callable[[str], Figure]) -> None:
        monkeypatch.setattr(drawing, "names", lambda _: NAMES)
        monkeypatch.setattr(drawing, "load", lambda _, name: lambda _: draw(name))

    return install


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_two_processes_draw_what_one_draws(tmp_path: Path) -> None:
    frames = load_frames(RUN)
    two = Drawing(frames, tmp_path / "two").pictures
    done = threading.Event()
    threading.Thread(target=done.wait).start()  # with a thread beside it, a process stays alone
    one = Drawing(frames, tmp_path / "one").pictures
    done.set()
    assert [(name, drawn.question) for name, drawn in two.items()] == [
        (name, drawn.question) for name, drawn in one.items()
    ]
    assert files(tmp_path / "two") == files(tmp_path / "one")


@pytest.mark.parametrize("end", [lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: 1 / 0])
def test_what_the_second_process_does_not_finish_is_drawn_by_the_first(
    plots: Callable[[Callable[[str], Figure]], None], tmp_path: Path, end: Callable[[], None]
) -> None:
    first = os.getpid()

    def draw(name: str) -> Figure:
        if os.getpid() != first:
            end()
        return ask(name)

    plots(draw)
    assert list(Drawing(Frames.build(), tmp_path).pictures) == ["first", "second", "third"]


def test_a_plot_that_fails_is_told_by_the_first_process(
    plots: Callable[[Callable[[str], Figure]], None], tmp_path: Path
) -> None:
    def draw(name: str) -> Figure:
        raise LookupError(name)

    plots(draw)
    with pytest.raises(LookupError):
        _ = Drawing(Frames.build(), tmp_path).pictures
