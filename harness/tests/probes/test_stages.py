"""Where bytes belong, from the frames that allocated them."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.corpus import fixtures_directory
from harness.probes import stages
from harness.probes.capture import fold_small, read_capture
from harness.probes.memray_peak import CAPTURE
from harness.probes.stages import StackFrame, label_of, location_of, stage_of
from harness.records import OTHER, STAGES
from harness.tests.test_layers import BUILT_IN, iter_modules, path_of

ROOT = "/any/where/harness"
PACKAGE = Path(harness.__file__).parent


def frame(path: str, function: str = "f", line: int = 1) -> StackFrame:
    return (function, path, line)


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("/site-packages/elftools/dwarf/die.py", "extraction"),
        ("/usr/lib/python3.11/json/encoder.py", "JSON"),
        ("/usr/lib/python3.11/gzip.py", "gzip"),
        ("/x/lib/python3.12/site-packages/isal/isal_zlib.py", "gzip"),
        ("/site-packages/urllib3/response.py", "HTTP"),
        ("/usr/lib/python3.11/threading.py", "other"),
        ("/somewhere/else.py", "other"),
        ("/home/me/json/mine.py", "other"),
        ("<string>", "other"),
    ],
)
def test_the_table_knows_modules_that_are_not_written_for_us(path: str, stage: str) -> None:
    assert stage_of([frame(path)]) == stage
    assert stage in STAGES


@pytest.mark.parametrize(
    ("source", "function", "stage"),
    [
        ("STAGE = 'gzip'", "f", "gzip"),
        ("STAGE: str = 'gzip'", "<listcomp>", "gzip"),
        ("STAGE = {'f': 'gzip', '': 'JSON'}", "f", "gzip"),
        ("STAGE = {'f': 'gzip', '': 'JSON'}", "g", "JSON"),
        ("STAGE = {'f': 'gzip', '': 'JSON'}", "<listcomp>", "multipart"),
        ("STAGE = {'f': 'gzip', '': 'JSON'}", "<module>", "JSON"),
        ("STAGE = {'f': 'gzip'}", "g", "multipart"),
        ("STAGE = 'my own'", "f", "my own"),
        ("STAGE = compute()", "f", "multipart"),
        ("STAGE = ", "f", "multipart"),
        ("import json\njson.dumps(scopes)", "f", "multipart"),
        ("\xff", "f", "multipart"),
    ],
)
def test_a_file_says_which_stage_it_is_or_is_passed_over(
    tmp_path: Path, source: str, function: str, stage: str
) -> None:
    inner, outer = tmp_path / "inner.py", tmp_path / "outer.py"
    inner.write_bytes(source.encode("latin-1"))
    outer.write_text("STAGE = 'multipart'\n")
    assert stage_of([frame(str(inner), function), frame(str(outer))]) == stage


def test_the_innermost_known_frame_decides() -> None:
    """The compressor that the legacy pipeline calls is gzip, whoever called the pipeline."""
    legacy = frame(str(PACKAGE / "pipelines" / "legacy.py"), "_upload")
    assert stage_of([frame("/lib/python3.11/gzip.py"), legacy]) == "gzip"
    assert stage_of([frame("/unknown.py"), legacy]) == "multipart"


# Values: whoever makes one says what it is for. The Python API is no worker's.
VALUES = {"config", "contracts", "errors", "records"}
API = {"", "api"}
# Where a module might come to lie: among foreign packages that have a stage of their own, too.
ELSEWHERE = ("json/gzip.py", "lib/python3.11/site-packages/harness/http/moved.py")


@cache
def functions_of(module: str) -> set[str]:
    tree = ast.parse(path_of(module).read_bytes())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def measured_modules() -> list[str]:
    """Return what a worker loads, when it starts or later, and that has functions."""
    todo, found = ["run.start", "run.worker", "symbols"], set(API)
    todo += [built_in.removeprefix("harness.") for built_in in BUILT_IN]
    while todo:
        module = todo.pop()
        if module not in found:
            found.add(module)
            todo += [module.rpartition(".")[0], *(inner for inner, _ in iter_modules(module))]
    return sorted(one for one in found - VALUES - API if functions_of(one))


def test_every_measured_module_declares_its_stage_and_keeps_it_under_any_name(
    tmp_path: Path,
) -> None:
    for module in measured_modules():
        assert_declared(module, tmp_path / module)


def assert_declared(module: str, place: Path) -> None:
    declared = getattr(import_module(f"harness.{module}"), "STAGE", {})
    stages = declared if isinstance(declared, dict) else {"": declared}
    functions = functions_of(module)
    assert stages, f"{module} declares no STAGE"
    assert {*stages} <= {"", *functions}, f"{module} has no such functions"
    assert {*stages.values()} <= {*STAGES}, f"{module} declares a stage that ours do not have"
    source = path_of(module).read_bytes()
    for elsewhere in ELSEWHERE:
        moved = place / elsewhere
        moved.parent.mkdir(parents=True, exist_ok=True)
        moved.write_bytes(source)
        for name in {*functions, "<module>", "<listcomp>"}:
            here = stage_of([frame(str(path_of(module)), name)])
            assert stage_of([frame(str(moved), name)]) == here
            if name in functions:
                assert here == stages.get(name, stages.get("", OTHER))


MEASURED = """
import sys
from importlib import import_module
from harness.bench.planted import DeafPoster
from harness.config import PipelineOptions
from harness.probes.memray_peak import MemrayProbe
from harness.tests.pipelines.parcels import OPTIONS, iter_packages, look_away, make_parcel
run = import_module(sys.argv[1]).run
packages = iter_packages([make_parcel("p", 300, 3000)])
with MemrayProbe(sys.argv[2]).measure():
    run(packages, DeafPoster(OPTIONS), PipelineOptions(), look_away)
"""
PLUGIN = """
from harness.pipelines import legacy
STAGE = {"keep": "extraction"}
kept = []
def keep(packages):
    kept.append(bytearray(300_000))
    yield from packages
def run(packages, *others):
    return legacy.run(keep(packages), *others)
"""


def stages_at_the_peak_of(module: str, folder: Path) -> Counter[str]:
    """Return the bytes of each stage; modules in `folder` can be named."""
    scratch = folder / module
    scratch.mkdir()
    command = [sys.executable, "-c", MEASURED, module, str(scratch)]
    path = os.pathsep.join([str(folder), str(PACKAGE.parent)])
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": path})
    sizes = Counter[str]()
    for holding in read_capture(str(scratch / CAPTURE)).holdings:
        sizes[holding.stage] += holding.size_bytes
    return sizes


def test_declarations_follow_their_code_into_other_files_and_plugins(tmp_path: Path) -> None:
    """A renamed module keeps its stages; a plugin's own count as ours do."""
    shutil.copy(PACKAGE / "pipelines" / "legacy.py", tmp_path / "elsewhere.py")
    (tmp_path / "plugin.py").write_text(PLUGIN)
    here = stages_at_the_peak_of("harness.pipelines.legacy", tmp_path)
    there = stages_at_the_peak_of("elsewhere", tmp_path)
    assert min(here[stage] for stage in ("JSON", "gzip", "multipart")) > 100_000
    assert {stage: there[stage] for stage in STAGES} == {
        stage: pytest.approx(here[stage], abs=1000) for stage in STAGES
    }
    plugin = stages_at_the_peak_of("plugin", tmp_path)
    assert here["extraction"] < 1000
    assert 300_000 <= plugin["extraction"] < 301_000


def test_the_example_plugin_declares_a_stage() -> None:
    example = fixtures_directory() / "examples" / "harness-eager" / "harness_eager.py"
    assert stage_of([frame(str(example), "run"), frame("/lib/python3.11/gzip.py")]) == OTHER


def test_no_frame_is_other() -> None:
    assert stage_of([]) == OTHER
    assert location_of([]) == ("no Python frame", "")


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
    assert location_of([frame(path, "flush", 7)]) == (shown, "")


def test_a_line_of_ones_own_is_the_same_in_two_checkouts_wherever_it_stands(tmp_path: Path) -> None:
    for side, above in (("a", ""), ("b", "import json\n\n")):
        (tmp_path / side).mkdir()
        (tmp_path / side / "export.py").write_text(f"{above}rows = list(x)\n")
    roots = [str(tmp_path / side) for side in "ab"]
    frames = [("f", f"{tmp_path}/a/export.py", 1), ("f", f"{tmp_path}/b/export.py", 3)]
    ours = ("measure", stages.__file__, 1)
    assert location_of([ours], roots) == (stages.SMALLER, "")
    assert location_of([ours])[0].startswith("harness/probes/stages.py:1 ")
    assert {label_of(one, roots) for one in frames} == {"export.py f: rows = list(x)"}
    assert [location_of([one], roots) for one in frames] == [
        ("export.py:1 f", "rows = list(x)"),
        ("export.py:3 f", "rows = list(x)"),
    ]
    assert [stage_of([one], roots) for one in frames] == ["export.f", "export.f"]
    assert label_of(frames[0]) == f"{tmp_path}/a/export.py:1 f"


places = st.tuples(st.sampled_from(STAGES), st.text(max_size=3), st.text(max_size=2))


@given(st.dictionaries(places, st.integers(0, 2**40)))
def test_folding_loses_no_byte_of_any_stage(sizes: dict[tuple[str, str, str], int]) -> None:
    """For all sizes, each stage sums to the same before and after."""
    before, after = Counter[str](), Counter[str]()
    for (stage, _, _), size in sizes.items():
        before[stage] += size
    for holding in fold_small(Counter(sizes)):
        after[holding.stage] += holding.size_bytes
    assert before == after
