"""Every registered plot draws nothing, one record and many, and the same each time."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from msgspec import convert

from harness import registry
from harness.config import LimitOptions
from harness.contracts import NO_DATA
from harness.plots import history, limits, style
from harness.plots.heap_over_time import draw
from harness.plots.scales import plain_log
from harness.plots.style import SVG, arm_looks, drawn, render, write
from harness.stats.frames import Frames
from harness.stats.trends import Trend
from harness.tests.stats.made import (
    ARMS,
    batch,
    delivery,
    failure,
    frames,
    limited,
    manifest,
    peaks,
    sample,
)

HOSTILE = "\x1b[31mre\nd\u202e$x_{1}$日本<script>" + "x" * 500
PLOTS = [*registry.names("plot"), "history"]
OURS = {*registry.shipped("plot"), "history"}
# Two whose panels and whose legend take most.
TIGHT = ("copies", "sweep")


def _case(binary: str, source: str = "dwarf") -> dict[str, list[dict[str, Any]]]:
    own = {"binary": binary, "source": source, "run_id": "r1", "replicate": 1}
    timed = [{**own, "arm": arm, "at_s": n / 10} for arm in ARMS for n in range(5)]
    gc = {"generation": 1, "duration_s": 0.01, "collected": 2, "uncollectable": 0}
    heap = {"heap_before_bytes": 9, "heap_after_bytes": 8}
    return {
        "samples": [{**row, "source": source} for row in peaks(binary, [9e6, 8e6], [1e6, 1e6])],
        "batches": [
            batch(binary, number, size, source=source, final=number == 3, probe="gc")
            for number, size in ((1, 900), (2, 50_000), (3, -700_000))
        ],
        "timeline": [{**row, "probe": "gc", "heap_bytes": 1000 * n} for n, row in enumerate(timed)],
        "copies": [
            {**own, "arm": arm, "stage": stage, "location": "f", "bytes": size, "copies": 1.0}
            for arm in ARMS
            for stage, size in (("gzip", 3e5), ("scope tree", 5e6), ("of a plugin", 2e6))
        ],
        "collections": [{**row, "start_s": row["at_s"], **gc, **heap} for row in timed],
        "deliveries": [delivery(binary, arm, source=source) for arm in ARMS],
    }


def _trend(binary: str, source: str, arm: str) -> Trend:
    """Return four runs of one experiment: as before, more, less, and with another Python."""
    runs = [
        {
            "run_id": f"r{n}", "commit": HOSTILE, "dirty": False, "started_at": f"2026-01-0{n}",
            "level": level, "low": level, "high": level, "replicates": 2, "environment": {},
        }
        for n, level in enumerate([5e6, 6e6, 3e6, 9e6])
    ]  # fmt: skip
    changes = [
        {
            "run_id": f"r{n}", "commit": "", "since_run_id": f"r{n - 1}", "since_commit": "",
            "kind": kind, "delta_pct": delta, "reasons": [HOSTILE] if kind == "break" else [],
        }
        for n, kind, delta in ((1, "shift", 20), (2, "shift", -50), (3, "break", 200))
    ]  # fmt: skip
    said = {"binary": binary, "source": source, "arm": arm, "metric": "heap_peak_memray"}
    more = {"unit": "byte", "exact": True, "runs": runs, "changes": changes, "remarks": []}
    return convert(said | more, Trend)


def _together(*cases: dict[str, list[dict[str, Any]]]) -> Frames:
    rows = {table: [row for case in cases for row in case[table]] for table in cases[0]}
    return frames(rows.pop("samples"), (), **rows)


def _sweep(binary: str) -> Frames:
    """Return a run of three thresholds, of which no batch reached the last."""
    thresholds = {f"streaming @ {kib} KiB": kib * 1024 for kib in (64, 128, 256)}
    return frames(
        [sample(binary, arm, 2.0 * size) for arm, size in thresholds.items()],
        batches=[
            batch(binary, 1, 900, arm=arm, threshold_bytes=size, final=size > 2**17)
            for arm, size in thresholds.items()
        ],
    )


def _scaling(binary: str) -> Frames:
    """Return a run of a binary and three of its prefixes."""
    shares = {f"{binary} [{quarter}]": quarter / 4 for quarter in (1, 2, 3)} | {binary: 1.0}
    sizes = {name: round(1e6 * share) for name, share in shares.items()}
    found = frames(
        [row for name, size in sizes.items() for row in peaks(name, [4.0 * size], [7e5])],
        batches=[batch(name, number, 0) for name in sizes for number in (1, 2)],
        deliveries=[
            delivery(name, arm, functions=size // 100, raw_bytes=size)
            for name, size in sizes.items()
            for arm in ARMS
        ],
    )
    inputs = [{"name": name, "share": share} for name, share in shares.items()]
    return replace(found, manifest=manifest(inputs))


DATA: dict[str, Callable[[], Frames]] = {
    "one": lambda: _together(_case("a.so")),
    "two sources": lambda: _together(_case("a.so"), _case("a.so", "replay")),
    "many": lambda: _together(*(_case(f"lib{n}.so") for n in range(30))),
    "hostile names": lambda: _together(_case(HOSTILE), _case(HOSTILE + "y"), _case("$")),
    "one arm failed": lambda: frames([*peaks("a", [9e6], []), failure("a", "streaming", "oom")]),
    "threshold never reached": lambda: frames(
        peaks("a", [9e6], [1e6]), batches=[batch("a", 1, -2_000_000, final=True)]
    ),
    "one value": lambda: frames(peaks("a", [1], [])),
    "only failures": lambda: frames([failure("a", arm) for arm in ARMS]),
    "nothing": frames,
}


def _limits(binary: str) -> Frames:
    """Return a run that found the memory limits of both arms."""
    tried = {0: ["survived"], 14: ["survived"], 13: ["killed"]}
    return limited(LimitOptions(backend="cgroup_v2"), binary, legacy=tried, streaming=tried)


SPECIAL: dict[str, Callable[[str], Frames]] = {
    "sweep": _sweep,
    "scaling": _scaling,
    "limits": _limits,
}
"""The plots that have nothing to show of a plain run, with a run that they do show."""


HISTORIES = {
    "one": [("a.so", "dwarf")],
    "two sources": [("a.so", "dwarf"), ("a.so", "replay")],
    "many": [(f"lib{n}.so", "dwarf") for n in range(30)],
    "hostile names": [(HOSTILE, "dwarf"), (HOSTILE + "y", "dwarf"), ("$", "dwarf")],
}


def _history(cases: Iterable[tuple[str, str]]) -> Figure:
    return history.draw([_trend(*case, arm) for case in cases for arm in ARMS])


def _plotted(name: str, data: Frames) -> Figure:
    plot: Callable[[Frames], Figure] = registry.find("plot", name).load()
    return plot(data)


def _draw(name: str, data: str) -> Figure:
    if name == "history":
        return _history(HISTORIES.get(data, ()))
    if name in SPECIAL and data in ("one", "hostile names"):
        return _plotted(name, SPECIAL[name]("a.so" if data == "one" else HOSTILE))
    return _plotted(name, DATA[data]())


def _texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


@pytest.mark.parametrize(("binaries", "said"), [(3, ""), (4, "1 more experiment is"), (30, "53 ")])
def test_a_history_says_how_many_experiments_it_leaves_out(binaries: int, said: str) -> None:
    texts = _texts(_history((f"lib{n}.so", "dwarf") for n in range(binaries)))
    assert ("not drawn; none changed more than these" in texts) == bool(said)
    assert said in texts


ALIKE = {"two sources", "one value", "only failures"}


@pytest.mark.parametrize(
    "data", [pytest.param(data, marks=pytest.mark.slow) if data in ALIKE else data for data in DATA]
)
@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_draws_whatever_there_is(name: str, data: str) -> None:
    figure = _draw(name, data)
    root = ET.fromstring(render(figure, name, SVG)[SVG])  # noqa: S314  written a line above
    assert root.tag.endswith("svg")
    height, width = (float(root.attrib[side].removesuffix("pt")) for side in ("height", "width"))
    assert width == pytest.approx(7.2 * 72)
    assert 100 < height < 1900
    texts = _texts(figure)
    assert not {"\x1b", "\u202e"} & set(texts)  # names are inert
    assert "x" * 50 not in texts  # and short
    if data == "nothing":
        assert figure.get_gid() == NO_DATA
        assert "No data" in texts
        assert len(texts.splitlines()) >= 3  # and why


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_asks_its_question_in_the_title_and_names_its_units(name: str) -> None:
    figure = _draw(name, "one")
    if name not in OURS and figure.get_gid() == NO_DATA:
        pytest.skip("a plot of somebody else's metric")
    assert figure.get_gid() != NO_DATA
    assert figure.get_suptitle().endswith("?")
    shared = [axes for axes in figure.axes if axes.xaxis.get_label_text()]
    assert shared
    assert all(axes.xaxis.get_label_text().endswith(")") for axes in shared)


# One way to write them all: two with panels and a legend of their own, of the others `tox -e slow`.
@pytest.mark.parametrize(
    "name",
    [name if name in TIGHT else pytest.param(name, marks=pytest.mark.slow) for name in PLOTS],
)
def test_the_same_data_gives_the_same_bytes_whatever_the_settings_of_the_machine(name: str) -> None:
    before = mpl.rcParams.copy()  # reading it as a dict would load pyplot
    plain = render(_draw(name, "one"), name, SVG)
    assert mpl.rcParams.copy() == before
    assert "matplotlib.pyplot" not in sys.modules
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 20}):
        assert render(_draw(name, "one"), name, SVG) == plain


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("$x$", r"\$x\$", id="mathematics"),
        pytest.param("\x1b[1m", r"\x1b[1m", id="terminal escape"),
        pytest.param("日", r"\u65e5", id="no such glyph"),
        pytest.param("größe", "größe", id="other letters"),
    ],
)
def test_names_are_drawn_as_they_read(name: str, shown: str) -> None:
    assert drawn(name) == shown


def test_a_figure_is_written_as_outlines_and_as_pixels_on_request(tmp_path: Path) -> None:
    figure, plots = _draw("peak_heap", "one"), tmp_path / "plots"
    svg = write(figure, plots, "peak_heap")
    assert [*plots.iterdir()] == [svg]
    assert svg == plots / "peak_heap.svg"
    assert b"<dc:date>" not in svg.read_bytes()
    assert write(figure, plots, "peak_heap", png=True) == svg
    assert sorted(plots.iterdir()) == [svg.with_suffix(".png"), svg]
    assert imread(svg.with_suffix(".png")).shape[1] > 900


def test_a_picture_of_too_many_points_is_drawn_as_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style, "MOST_SVG_BYTES", 1000)
    assert write(_draw("overshoot", "one"), tmp_path, "many") == tmp_path / "many.png"
    assert [path.name for path in tmp_path.iterdir()] == ["many.png"]


def _of_arms(data: Frames, arms: Iterable[str]) -> Frames:
    """Return a run in which each arm measured what the first one of `data` did."""
    tables = {
        name: pd.concat(
            [table[table["arm"] == ARMS[1]].assign(arm=arm) for arm in arms], ignore_index=True
        )
        for name in ("samples", "batches", "timeline", "copies", "collections", "deliveries")
        if len(table := getattr(data, name))
    }
    return Frames.build(data.manifest, **tables)


# Of the other plots, and for fewer arms, see `tox -e slow`.
@pytest.mark.parametrize(
    ("name", "arms"),
    [
        pytest.param(name, arms, marks=() if arms == 24 and name in TIGHT else pytest.mark.slow)
        for name in registry.names("plot")
        for arms in (24, 3, 8)
    ],
)
def test_many_arms_have_room_and_nothing_is_said_on_the_terminal(
    name: str, arms: int, recwarn: pytest.WarningsRecorder, capfd: pytest.CaptureFixture[str]
) -> None:
    data = _scaling("a.so") if name == "scaling" else DATA["two sources"]()
    named = [f"a pipeline of another distribution, variant {number}" for number in range(arms)]
    figure = _plotted(name, _of_arms(data, named))
    render(figure, name, SVG)
    assert [str(warning.message) for warning in recwarn.list] == []
    assert capfd.readouterr() == ("", "")
    assert figure.get_figheight() < 30
    for legend in figure.legends:
        box = legend.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    for axes in figure.axes:
        box = axes.get_position()
        assert box.width > 0.3
        assert box.height * figure.get_figheight() > 0.5


@pytest.mark.parametrize("pauses_ms", [[0.14, 0.2], [0.001, 30.0], [3.0]])
def test_pauses_have_numbers_however_far_apart_they_are(pauses_ms: list[float]) -> None:
    rows = [
        {**row, "duration_s": pause / 1000, "start_s": float(number)}
        for number, pause in enumerate(pauses_ms)
        for row in _case("a.so")["collections"][:1]
    ]
    pauses = _plotted("gc", frames(collections=rows)).axes[0]
    low, high = pauses.get_ylim()
    assert sum(low <= tick <= high for tick in pauses.get_yticks()) > 1


def test_each_arm_has_rows_of_its_own_where_several_overshot() -> None:
    flushed = [batch("a.so", n, 900 * n, arm=arm) for n in (1, 2) for arm in ARMS]
    labels = _plotted("overshoot", frames(batches=flushed)).axes[-1].get_yticklabels()
    assert [label.get_text() for label in labels] == ["a.so, legacy", "a.so, streaming"]


def test_two_dozen_arms_look_unlike_each_other() -> None:
    looks = arm_looks([*ARMS, *(f"arm {number}" for number in range(24))])
    assert len(set(looks.values())) == 26


def _draw_batches(sizes: Iterable[int]) -> Figure:
    flushed = [batch("a.so", number, size) for number, size in enumerate(sizes, start=1)]
    quiet = [batch(f"quiet{n}.so", 1, -(2**20), final=True) for n in range(10)]
    return _plotted("overshoot", frames(batches=[*flushed, *quiet]))


@pytest.mark.parametrize(("batches", "panels"), [(1, 1), (3, 1), (19, 1), (20, 2)])
def test_only_of_many_batches_a_distribution_is_drawn(batches: int, panels: int) -> None:
    figure = _draw_batches(range(1000, 1000 + batches))
    assert len(figure.axes) == panels
    names = [label.get_text() for label in figure.axes[-1].get_yticklabels()]
    assert names == ["a.so"]
    assert "never reached by 10 of 11 binaries" in _texts(figure)


def test_batches_that_never_reached_a_threshold_make_no_picture() -> None:
    figure = _draw_batches([])
    assert figure.get_gid() == NO_DATA
    assert "no batch reached its threshold, the largest 50 % of it" in _texts(figure)


@pytest.mark.parametrize(
    ("values", "ends"),
    [((0.5, 1.5), "200"), ((0.75, 1.25), "50"), ((1.0, 1.02), "1"), ((1.0, 1.0 + 1e-9), "0.01")],
)
def test_the_labels_of_replicates_reach_as_far_as_they_do(
    values: tuple[float, float], ends: str
) -> None:
    rows = peaks("a.so", [value * 1e6 for value in values], [1e6, 1e6])
    spread = _plotted("replicates", frames(rows))
    render(spread, "replicates", SVG)
    (axes,) = spread.axes
    labels = [label.get_text() for label in axes.get_xticklabels() if label.get_text()]
    assert float(labels[-1]) >= float(ends)
    assert labels[0] == f"-{labels[-1]}"
    assert not any("e+" in text.get_text() for text in axes.texts)


def test_the_reduction_that_is_claimed_is_drawn_and_who_falls_short_of_it_stands_out() -> None:
    rows = [*peaks("a", [100], [39]), *peaks("b", [200], [80])]
    found = _plotted("peak_heap", frames(rows, verified="ab"))
    (axes,) = found.axes
    (claimed,) = [line for line in axes.get_lines() if line.get_marker() == "|"]
    assert np.asarray(claimed.get_xdata(), float) == pytest.approx(np.array([39.0, 78.0]))
    colours = {text.get_text(): text.get_color() for text in axes.texts}
    assert colours["\N{MINUS SIGN}61.0 %"] != colours["\N{MINUS SIGN}60.0 %"]


def test_of_many_binaries_those_are_drawn_whose_peak_was_reduced_least() -> None:
    names = [f"b{number:02d}" for number in range(30)]
    held = (peaks(name, [1000 + at], [500 - 10 * at]) for at, name in enumerate(names))
    figure = _plotted("peak_heap", frames([row for rows in held for row in rows], verified=names))
    (axes,) = figure.axes
    drawn = {label.get_text() for label in axes.get_yticklabels()}
    assert drawn == set(names[:20])
    assert "10 more rows, not of the worst binaries, not drawn" in _texts(figure)


@pytest.mark.parametrize(
    ("value", "label"), [(64, "64"), (0.25, "0.25"), (2**-8, "0.00391"), (2048, "2048")]
)
def test_a_tick_of_a_log_scale_has_no_more_digits_than_there_is_room_for(
    value: float, label: str
) -> None:
    axis = Figure().add_subplot().xaxis
    plain_log(axis)
    assert axis.get_major_formatter()(value) == label


def test_an_arm_that_holds_far_less_has_a_scale_of_its_own_in_copies() -> None:
    rows = [
        {"run_id": "r1", "replicate": 1, "source": "replay", "location": "f", "stage": "JSON",
         "binary": f"{n}.so", "arm": arm, "bytes": held * 1e6 * n, "copies": held}
        for n in (1, 2, 3) for arm, held in zip(ARMS, (3.5, 0.1), strict=True)
    ]  # fmt: skip
    figure = _plotted("copies", frames(copies=rows))
    old, new = figure.axes
    assert old.get_title("left").endswith(": legacy")
    assert new.get_title("left").endswith(": streaming")
    assert old.get_xlim()[1] > 3.5
    assert new.get_xlim()[1] < 0.2
    assert all(label == int(label) for label in old.get_xticks())
    assert "copies" in old.get_xlabel()
    assert "3.5 (10.0 MiB)" in _texts(figure)


def test_a_limit_that_killed_and_delivered_is_drawn_as_an_interval() -> None:
    torn = {0: ["survived"], 18: ["survived"], 17: ["killed", "survived"]}
    run = limited(LimitOptions(backend="cgroup_v2"), legacy=torn, streaming=torn)
    figure = limits.draw(run)
    assert "17.0 MiB to\n18.0 MiB" in [text.get_text() for text in figure.axes[0].texts]


def look(at_s: float, generation: int = -1, probe: str = "memray") -> dict[str, Any]:
    return {
        "run_id": "r1",
        "binary": "a",
        "arm": "legacy",
        "source": "dwarf",
        "probe": probe,
        "replicate": 1,
        "at_s": at_s,
        "heap_bytes": 1000,
        "generation": generation,
    }


COLLECTION = {
    **{key: look(0)[key] for key in ("run_id", "binary", "arm", "source", "replicate")},
    "generation": 0,
    "start_s": 7.0,
    "duration_s": 0.1,
}


@pytest.mark.parametrize(
    ("generation", "probe", "shared"), [(2, "memray", True), (-1, "gc", False)]
)
def test_both_panels_are_in_shares_of_a_run_and_say_of_which(
    generation: int, probe: str, shared: bool
) -> None:
    looks = [look(0.0), look(1.0, generation), look(2.0)]
    figure = draw(frames(timeline=looks, collections=[COLLECTION]))
    heap, collector = figure.axes[:2]
    assert heap.get_xlim() == collector.get_xlim()
    assert heap.get_xlabel() == "Share of the run under probe memray (%)"
    assert collector.get_xlabel() == f"Share of the run under probe {probe} (%)"
    said = " ".join(text.get_text() for text in figure.findobj() if hasattr(text, "get_text"))
    assert ("two processes" in said) != shared


def test_each_arm_goes_from_nothing_to_the_whole_of_its_own_run() -> None:
    slow = [{**look(at_s), "arm": "legacy"} for at_s in (0.0, 4.0, 156.0)]
    fast = [{**look(at_s), "arm": "streaming"} for at_s in (0.0, 20.0)]
    flush = batch("a", 1, 0, probe="memray", at_s=25.0)
    heap = draw(frames(timeline=[*slow, *fast], batches=[flush])).axes[0]
    shares = [np.asarray(line.get_xdata(), float) for line in heap.get_lines()]
    assert {xs.max() for xs in shares if len(xs) > 1} == {100.0, 80.0}


def test_the_peak_that_is_said_is_the_one_that_was_measured_not_the_highest_look() -> None:
    measured = [sample("a", "legacy", 3.0 * 2**20), sample("a", "legacy", 9.0 * 2**20, probe="gc")]
    figure = draw(frames(measured, timeline=[look(0.0), look(1.0)]))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["legacy, peak 3.0 MiB"]
