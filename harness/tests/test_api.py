"""What `import harness` offers, in real processes: measure, compare, load, show."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any, assert_type

import pytest
from matplotlib.figure import Figure

import harness
from harness.config import RunOptions
from harness.corpus import fixtures_directory
from harness.loading import load_frames
from harness.reports.page.rendering import render_page
from harness.reports.report import report_of
from harness.tests.callables import chunks, listed, streamed

QUICK: dict[str, Any] = {"probes": ("peak", "memray"), "replicates": 1}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> harness.Result:
    return harness.ab(
        listed, streamed, args=(5_000,), results=tmp_path_factory.mktemp("results"), **QUICK
    )


def test_two_callables_are_compared(result: harness.Result) -> None:
    assert result.reduction_pct > 50
    table = result.to_frame().set_index("arm")
    assert table["peak_bytes"]["listed"] > 2 * table["peak_bytes"]["streamed"]
    assert result.peak_bytes == table["peak_bytes"]["streamed"]
    assert table["same_output"].tolist() == [True, True]
    assert "rows = [" in result.lines()["code"].iloc[0]


def test_a_result_shows_itself_in_a_terminal_and_in_a_notebook(result: harness.Result) -> None:
    for shown in (repr(result), result._repr_html_()):
        assert "less peak heap than listed over 1 input" in " ".join(shown.split())
        assert "rows = [" in shown
    assert "<table" in result._repr_html_()
    assert isinstance(result.plot(), Figure)
    assert result.plot("copies")._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
    page = render_page(report_of(load_frames(result.path)))
    assert "Held at the peaks over call, by line" in page
    assert "rows = [" in page


def test_a_run_is_loaded_from_its_directory(result: harness.Result) -> None:
    assert repr(harness.load(result.path)) == repr(result)


def test_one_callable_has_a_peak_and_no_change(tmp_path: Path) -> None:
    ballast = bytearray(1_000_000)  # what is pickled with it is there before, and is not its own
    alone = harness.measure(lambda count: [len(ballast), *chunks(count)], args=(3,),
                            results=tmp_path, probes="peak", replicates=1)  # fmt: skip
    assert 300_000 < alone.peak_bytes < 400_000
    assert len(alone.to_frame()) == 1
    with pytest.raises(harness.HarnessError, match="no change is known"):
        _ = alone.reduction_pct


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_corpus_is_run(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if scheme:
        pytest.importorskip("fsspec")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    binary = f"{scheme}{fixtures_directory() / 'binaries' / 'c' / 'dwarf5.so'}"
    found = harness.run(binary, sources="replay", results=tmp_path, probes="peak", replicates=1)
    assert_type(found, harness.Result)  # whoever checks types looks at the call, not the package
    assert found.to_frame()["arm"].tolist() == ["legacy", "streaming"]


def test_what_cannot_be_sent_to_another_process_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(harness.HarnessError, match="arguments cannot be sent"):
        harness.measure(listed, args=(chunks(1),), results=tmp_path)
    with pytest.raises(harness.HarnessError, match=r"no option 'probe' — .*probes"):
        harness.measure(listed, probe="peak")
    real = builtins.__import__
    without = lambda name, *rest: (  # noqa: E731
        real("no_such_module") if name == "cloudpickle" else real(name, *rest)
    )
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(harness.HarnessError, match=r"%%writefile export\.py"):
        harness.measure(lambda: None, results=tmp_path)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"args": 5}, r"args=5 is no list or tuple — write args=\(5,\)"),
        ({"args": "abc"}, r"write args=\('abc',\)"),
        ({"replicates": 0}, "replicates=0 is too small — give at least 1"),
        ({"replicates": "3"}, "replicates='3': Expected `int | null`, got `str`"),
        ({"probes": 5}, "probes=5: Expected `array`"),
        ({"probes": "pek"}, "did you mean 'peak'"),
        ({"inputs": "nosuch.csv"}, r"nosuch\.csv: No such file"),
    ],
)
def test_what_is_no_value_of_an_option_is_refused(
    tmp_path: Path, given: dict[str, Any], reason: str
) -> None:
    with pytest.raises(harness.HarnessError, match=reason):
        harness.measure(listed, **{"results": tmp_path, **given})
    with pytest.raises(harness.HarnessError, match="5 cannot be called"):
        harness.measure(5, results=tmp_path)  # type: ignore[arg-type]  # and so does the checker


def test_a_callable_is_compared_with_itself_over_one_file(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_bytes(b"data")
    alike = harness.ab(len, len, inputs=file, results=tmp_path, probes="peak", replicates=1)
    assert alike.reduction_pct == 0
    assert alike.to_frame()["arm"].tolist() == ["1 len", "2 len"]


NAMES = [
    *(f"harness.{name}" for name in harness.__all__),
    *(f"`{name}" for name in dir(harness.Result) if not name.startswith("_")),
    *(f"`{name}`" for name in ("path", "frames", "summary", *RunOptions.__struct_fields__)),
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_documented(name: str) -> None:
    page = Path(harness.__file__).parent.parent / "docs" / "api.md"
    assert not page.exists() or name in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", harness.__all__)
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    assert getattr(harness, name).__doc__


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'abc'"):
        _ = harness.abc  # type: ignore[attr-defined]  # and whoever checks types says so
