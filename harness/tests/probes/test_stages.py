"""Where bytes belong, from the frames that allocated them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.probes.capture import fold_small
from harness.probes.stages import OTHER, STAGES, StackFrame, location_of, stage_of

ROOT = "/any/where/harness"


def frame(path: str, function: str = "f", line: int = 1) -> StackFrame:
    return (function, path, line)


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        (f"{ROOT}/symbols/dwarf/lines.py", "extraction"),
        ("/site-packages/elftools/dwarf/die.py", "extraction"),
        (f"{ROOT}/symbols/native/functions.py", "scope tree"),
        (f"{ROOT}/symbols/go/types.py", "scope tree"),
        (f"{ROOT}/run/replay.py", "scope tree"),
        (f"{ROOT}/sharing.py", "scope tree"),
        (f"{ROOT}/pipelines/encoders.py", "JSON"),
        ("/usr/lib/python3.11/json/encoder.py", "JSON"),
        (f"{ROOT}/pipelines/compressors.py", "gzip"),
        ("/usr/lib/python3.11/gzip.py", "gzip"),
        (f"{ROOT}/pipelines/multipart.py", "multipart"),
        (f"{ROOT}/upload/connection.py", "HTTP"),
        ("/site-packages/urllib3/response.py", "HTTP"),
        (f"{ROOT}/run/worker.py", "other"),
        ("/somewhere/else.py", "other"),
    ],
)
def test_a_file_decides_the_stage(path: str, stage: str) -> None:
    assert stage_of([frame(path)]) == stage
    assert stage in STAGES


def test_a_stored_function_is_a_scope_and_its_index_is_not() -> None:
    """Go functions are decoded by the index that keeps them; the rest is not theirs."""
    path = Path(harness.__file__).parent / "symbols" / "go" / "index.py"
    lines = path.read_text(encoding="utf-8").splitlines()
    (decoding,) = [n for n, text in enumerate(lines, 1) if "share(_decode_scope(" in text]
    assert stage_of([frame(str(path), "stored", decoding)]) == "scope tree"
    assert stage_of([frame(str(path), "entries", decoding - 9)]) == "extraction"


def test_the_innermost_known_frame_decides() -> None:
    """The compressor that the legacy pipeline calls is gzip, whoever called the pipeline."""
    stack = [frame("/lib/python3.11/gzip.py"), frame(f"{ROOT}/pipelines/encoders.py")]
    assert stage_of(stack) == "gzip"
    assert stage_of([frame("/unknown.py"), *stack[1:]]) == "JSON"


@pytest.mark.parametrize(
    ("source", "stage"),
    [
        ("data = gzip.compress(document)", "gzip"),
        ("document = json.dumps(tree).encode()", "JSON"),
        ("body = b''.join(parts)", "multipart"),
        ("client.post(body_of(x))", "HTTP"),
        ("self._scopes.append(child)", "scope tree"),
        ("x = 1", "other"),
    ],
)
def test_a_line_of_a_foreign_pipeline_is_judged_by_what_it_says(
    tmp_path: Path, source: str, stage: str
) -> None:
    path = tmp_path / "pipeline.py"
    path.write_text(source + "\n")
    assert stage_of([frame(str(path))]) == stage


def test_no_frame_is_other() -> None:
    assert stage_of([]) == OTHER
    assert location_of([]) == "no Python frame"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"{ROOT}/pipelines/legacy.py", "harness/pipelines/legacy.py:7 flush"),
        ("/x/lib/python3.11/site-packages/urllib3/util/url.py", "urllib3/util/url.py:7 flush"),
        ("/x/lib/python3.11/json/encoder.py", "json/encoder.py:7 flush"),
        ("/home/me/mine.py", "/home/me/mine.py:7 flush"),
    ],
)
def test_a_location_is_named_from_its_package_on(path: str, shown: str) -> None:
    assert location_of([frame(path, "flush", 7)]) == shown


places = st.tuples(st.sampled_from(STAGES), st.text(max_size=3))


@given(st.dictionaries(places, st.integers(0, 2**40)))
def test_folding_loses_no_byte_of_any_stage(sizes: dict[tuple[str, str], int]) -> None:
    """For all sizes, each stage sums to the same before and after."""
    before, after = Counter[str](), Counter[str]()
    for (stage, _), size in sizes.items():
        before[stage] += size
    for holding in fold_small(Counter(sizes)):
        after[holding.stage] += holding.size_bytes
    assert before == after
