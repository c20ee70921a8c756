import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError, PipelineError
from harness.pipelines.sinks import DiskSink, Sink, make_sink

writes = st.lists(st.binary(max_size=40) | st.integers(60_000, 70_000).map(bytes), max_size=6)


def contents(sink: Sink) -> bytes:
    with sink.open() as reader:
        return reader.read()


@pytest.mark.parametrize("name", ["memory", "disk"])
@given(first=writes, cut=st.integers(0, 150_000), second=writes)
def test_a_sink_holds_what_was_written_and_not_cut_back(
    name: str, first: list[bytes], cut: int, second: list[bytes]
) -> None:
    sink, expected = make_sink(name), b"".join(first)[:cut] + b"".join(second)
    for data in first:
        sink.write(data)
    sink.truncate(cut)
    for data in second:
        sink.write(data)
    assert contents(sink) == expected == contents(sink)
    assert len(sink) == len(expected)
    sink.close()


def test_a_disk_sink_refuses_to_exceed_its_cap_and_keeps_what_it_has() -> None:
    sink = DiskSink(cap_bytes=10)
    sink.write(b"12345678")
    with pytest.raises(PipelineError, match="lower threshold"):
        sink.write(b"901")
    assert contents(sink) == b"12345678"
    sink.close()


@pytest.mark.parametrize("directory", ["/nonexistent", "/dev/null", "/proc"])
def test_a_disk_sink_uses_tmpdir_or_nothing(
    monkeypatch: pytest.MonkeyPatch, directory: str
) -> None:
    """Elsewhere there may be no room for it, or memory behind it."""
    monkeypatch.setenv("TMPDIR", directory)
    with pytest.raises(PipelineError, match="TMPDIR"):
        DiskSink()


def test_without_tmpdir_a_disk_sink_uses_what_the_system_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for value in ("", None):
        if value is None:
            monkeypatch.delenv("TMPDIR")
        else:
            monkeypatch.setenv("TMPDIR", value)
        DiskSink().close()


def test_a_disk_sink_leaves_no_name_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", os.fspath(tmp_path))
    sink = DiskSink()
    sink.write(b"data")
    held = Path(f"/proc/self/fd/{sink._file.fileno()}").readlink()
    assert held.is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []
    sink.close()


@pytest.mark.parametrize("name", ["memory", "disk"])
def test_a_closed_sink_holds_nothing_and_takes_nothing(name: str) -> None:
    sink = make_sink(name)
    sink.write(b"data")
    sink.close()
    sink.close()
    assert len(sink) == 0
    with pytest.raises(PipelineError, match="closed"):
        sink.write(b"more")
    with pytest.raises(PipelineError, match="closed"):
        sink.open()
    assert len(sink) == 0


def test_a_disk_sink_that_cannot_be_read_back_is_not_taken_for_the_network() -> None:
    """The reader runs inside the HTTP client, where an OSError would mean: try again."""
    sink = DiskSink()
    sink.write(b"data")
    reader = sink.open()
    os.ftruncate(sink._file.fileno(), 0)
    with pytest.raises(PipelineError, match="cut short"):
        reader.read(4)
    sink.close()


def test_an_unknown_sink_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="memory or disk"):
        make_sink("tape")


@pytest.mark.parametrize("name", ["memory", "disk"])
def test_a_piece_is_not_copied_on_its_way_into_a_sink(name: str) -> None:
    sink, piece = make_sink(name), bytes(1_000_000)
    sink.write(piece)
    sink.truncate(0)
    tracemalloc.start()
    sink.write(piece)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    sink.close()
    assert peak_bytes < 4096
