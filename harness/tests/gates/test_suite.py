"""Suites: what they may say, what is refused, and what they ask to be measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from harness.config import MIB, LimitOptions, Limits, PipelineOptions
from harness.corpus import fixtures_directory, pinned_manifest
from harness.errors import ConfigError
from harness.gates.suite import load_suite
from harness.records import Arm, Binary
from harness.run.request import RunRequest
from harness.suites import expected_inputs, find_suite, limits_of, narrowed, options_of
from harness.tests.stats.made import manifest

SHORTEST = """
corpus = "small"

[[experiments]]
name = "peak"
gate = true
"""


def written(directory: Path, text: str) -> Path:
    file = directory / "mine.toml"
    file.write_text(text)
    return file


def fault_of(directory: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_suite(written(directory, text))
    return str(caught.value)


def test_three_lines_are_a_suite(tmp_path: Path) -> None:
    suite = load_suite(written(tmp_path, SHORTEST))
    (experiment,) = suite.experiments
    assert suite.name == "mine"
    assert (experiment.binary, experiment.source, experiment.arm) == (
        ("*",),
        ("dwarf",),
        ("streaming",),
    )
    assert experiment.optimization_goal == ("heap_peak",)


def test_sizes_may_be_written_the_way_people_say_them(tmp_path: Path) -> None:
    text = f"""{SHORTEST}
overshoot = "32 KiB"
checks = [{{ name = "p", bounds = {{ series = "heap_peak", upper_bound = "2 MiB" }} }}]
[options]
threshold = "256 KiB"
"""
    suite = load_suite(written(tmp_path, text))
    (experiment,) = suite.experiments
    assert experiment.overshoot == 32 * 1024
    assert experiment.checks[0].bounds.upper_bound == 2 * 1024 * 1024
    assert suite.options.as_pipeline_options() == {"threshold_bytes": 256 * 1024}


def test_every_fault_is_named_with_file_and_key_and_the_nearest_name(tmp_path: Path) -> None:
    said = fault_of(
        tmp_path,
        """
corpus = "small"
replicate = 3

[[experiments]]
name = "peak"
erratc = true
replicates = 0
gate = true
overshoot = "2 miles"
checks = [{ name = "p", bounds = { series = "x", uper_bound = 3 } }]
""",
    )
    assert said.startswith(f"{tmp_path / 'mine.toml'}: 5 faults")
    for part in (
        "replicate: unknown key; did you mean 'replicates'?",
        "experiments[0].erratc: unknown key; did you mean 'erratic'?",
        "experiments[0].replicates: ",
        "experiments[0].overshoot: '2 miles' is not a size",
        "experiments[0].checks[0].bounds.uper_bound: unknown key; did you mean 'upper_bound'?",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param('corpus = "small"\nexperiments = []', "experiments", id="no experiment"),
        pytest.param(SHORTEST.replace("true", "false"), "nothing could ever fail", id="no gate"),
        pytest.param(SHORTEST + SHORTEST[18:], "given twice", id="one name twice"),
        pytest.param(SHORTEST + 'against = "streaming"', "compared with itself", id="itself"),
        pytest.param(SHORTEST + "erratic = true", "can never fail", id="erratic gate"),
        pytest.param(SHORTEST + 'checks = [{ name = "r", bounds = { series = "reduction_pct" } }]',
                     "needs the arm to compare with", id="reduction of nothing"),
        pytest.param(SHORTEST + 'report_links = [{ text = "x", link = "javascript:alert(1)" }]',
                     "report_links", id="a link that acts"),
        pytest.param(SHORTEST + "tolerance = -1", "tolerance", id="negative tolerance"),
        pytest.param(SHORTEST + "tolerance = nan", "tolerance", id="no number"),
        pytest.param(SHORTEST + "tolerance = inf", "tolerance", id="any change"),
        pytest.param(SHORTEST + "copies = inf", "copies", id="any number of copies"),
        pytest.param(SHORTEST + "optimization_goal = []", "can never fail", id="no goal"),
        pytest.param("needs_baseline = false" + SHORTEST, "by comparison alone",
                     id="nothing to compare with"),
        pytest.param("corpus = ", "not TOML", id="not TOML"),
    ],
)  # fmt: skip
def test_a_suite_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in fault_of(tmp_path, text)


def test_a_suite_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.toml: No such file"):
        find_suite(str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="did you mean 'seed'"):
        find_suite("sead")


@pytest.mark.parametrize("name", ["ci", "default", "seed"])
def test_the_committed_suites_can_be_measured(name: str) -> None:
    """Each names binaries that its corpus has, and metrics that some instrument takes."""
    suite = find_suite(name)
    pins = pinned_manifest().tier(suite.corpus)
    request = narrowed(_request([pin.name for pin in pins]), suite)
    assert request.suite == name
    assert request.binaries
    assert {"peak"} <= set(request.probes) <= {"peak", "memray"}
    assert request.replicates.keys() == {"peak"}, "captures are taken as often as they are worth it"
    assert {arm.name for arm in request.arms} == {"legacy", "streaming"}
    assert expected_inputs(suite).keys() >= {binary.name for binary in request.binaries}


def test_every_committed_suite_is_tested_here() -> None:
    found = {path.stem for path in (fixtures_directory() / "suites").glob("*.toml")}
    assert found == {"ci", "default", "seed"}


def test_a_suite_decides_what_is_run_but_half_the_replicates_may_be_asked_for() -> None:
    asked = structs.replace(_request(["c-dwarf5", "cpp-dwarf5", "rust-dwarf5", "c-lto"]))
    assert [binary.name for binary in narrowed(asked, find_suite("ci")).binaries] == [
        "c-dwarf5",
        "cpp-dwarf5",
        "rust-dwarf5",
    ]
    half = structs.replace(asked, replicates={"peak": 1})
    assert narrowed(half, find_suite("ci")).replicates == {"peak": 1}


def test_a_suite_says_how_far_extraction_goes(tmp_path: Path) -> None:
    text = SHORTEST.replace("[[", '[limits]\ncpu_s = 60\nstring_bytes = "1 MiB"\n\n[[', 1)
    limits = limits_of(load_suite(written(tmp_path, text)))
    assert limits == Limits(cpu_s=60.0, string_bytes=MIB)
    with pytest.raises(ConfigError, match="suite mine: no limit is called 'cp_s'"):
        limits_of(load_suite(written(tmp_path, text.replace("cpu_s", "cp_s"))))


def test_a_compressor_gets_a_level_that_it_has(tmp_path: Path) -> None:
    text = SHORTEST + '[options]\ncompressor = "isal"\nsink = "disk"'
    options = options_of(load_suite(written(tmp_path, text)))
    assert options == PipelineOptions(compressor="isal", level=1, sink="disk")


def test_what_one_side_had_in_its_directory_is_expected_of_the_other(tmp_path: Path) -> None:
    suite = load_suite(written(tmp_path, SHORTEST.replace("small", "my/binaries")))
    manifests = [manifest([{"name": name}]) for name in ("a.so", "b.so")]
    assert expected_inputs(suite, *manifests) == {"a.so": "", "b.so": ""}


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        pytest.param('binary = "c-dwarf55"', "did you mean 'c-dwarf5'", id="no such binary"),
        pytest.param(
            'optimization_goal = "heap_peak_memry"', "did you mean 'heap_peak_memray'", id="metric"
        ),
    ],
)
def test_what_cannot_be_measured_for_a_suite_is_refused(
    tmp_path: Path, extra: str, reason: str
) -> None:
    suite = load_suite(written(tmp_path, SHORTEST + extra))
    with pytest.raises(ConfigError, match=reason):
        narrowed(_request(["c-dwarf5"]), suite)


def _request(names: list[str]) -> RunRequest:
    binaries = [Binary(name=name, path=name, sha256="", size_bytes=1) for name in names]
    return RunRequest(
        binaries=binaries, arms=[Arm(name="any", pipeline="any")], results=Path("results")
    )


@pytest.mark.parametrize(
    ("experiment", "limits"),
    [
        ("", None),
        ('survives = "64 MiB"', LimitOptions(replicates=2, under_bytes=(64 * MIB,))),
        (
            'optimization_goal = "limit_cgroup_v1"\nsurvives = "64 MiB"\nreplicates = 3',
            LimitOptions(replicates=3, backend="cgroup_v1"),
        ),
    ],
)
def test_limits_are_searched_where_they_are_a_goal_and_else_only_tried(
    tmp_path: Path, experiment: str, limits: LimitOptions | None
) -> None:
    suite = load_suite(written(tmp_path, f"{SHORTEST}\n{experiment}\n"))
    asked = narrowed(_request(["c-dwarf5"]), suite)
    assert asked.memory_limits == (limits and structs.replace(limits, sources=("dwarf",)))
    assert ("bare" in asked.probes) == bool(limits)


def test_limits_of_two_kinds_are_refused(tmp_path: Path) -> None:
    goals = 'optimization_goal = ["limit_cgroup_v1", "limit_rlimit_data"]'
    suite = load_suite(written(tmp_path, f"{SHORTEST}\n{goals}\n"))
    with pytest.raises(ConfigError, match="cgroup_v1 and rlimit_data cannot be had in one run"):
        narrowed(_request(["c-dwarf5"]), suite)
