"""Pictures drawn by two processes: the same as by one, whatever becomes of the second."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from typer.testing import CliRunner

from harness import drawing
from harness.cli.app import app
from harness.drawing import Drawing
from harness.errors import ConfigError
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


class Undrawable(Artist):
    def draw(self, renderer: RendererBase) -> None:  # noqa: ARG002  an artist's shape
        raise LookupError("too late")


def test_a_plot_that_breaks_down_is_told_and_takes_no_other_with_it(
    plots: Callable[[Callable[[str], Figure]], None], tmp_path: Path
) -> None:
    def draw(name: str) -> Figure:
        if name == "first":
            raise FileNotFoundError(2, "at once")
        figure = ask(name)
        if name == "third":
            figure.add_artist(Undrawable())
        return figure

    plots(draw)
    drawing = Drawing(Frames.build(), tmp_path)
    assert list(drawing.pictures) == ["second"]
    assert [error.message for error in drawing.broken] == [
        "plot 'first' broke down: FileNotFoundError: [Errno 2] at once",
        "plot 'third' broke down: LookupError: too late",
    ]


def test_a_broken_plot_costs_a_report_its_picture_and_the_exit_code(
    plots: Callable[[Callable[[str], Figure]], None], tmp_path: Path
) -> None:
    def draw(name: str) -> Figure:
        if name in {"first", "third"}:
            raise LookupError(name)
        return ask(name)

    plots(draw)
    done = CliRunner().invoke(app, ["report", str(RUN), "--output", str(tmp_path), "--html"])
    assert isinstance(done.exception, ConfigError)
    assert "second" in done.stdout.splitlines()[-1]
    assert "warning: plot 'third' broke down: LookupError: third" in done.stderr
    assert "second" in (tmp_path / "report.md").read_text()
    assert (tmp_path / "report.html").exists()
