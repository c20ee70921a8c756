"""Each format against a golden file, and against the rules of those who read it."""

from __future__ import annotations

import csv
import json
import re
from io import BytesIO, StringIO

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.records import Manifest
from harness.reports.exports import bencher, go_benchmark, otava
from harness.reports.exports.formats import FORMATS
from harness.reports.exports.measurements import COLUMNS, measurements_of, tracked
from harness.stats.metrics import Metrics
from harness.tests.reports.exports.made import BOTH, RSS, RUN, measured
from harness.tests.reports.golden_files import check
from harness.tests.stats.made import failure, frames, sample

TEXTS = {
    "bencher": "json",
    "github-action-benchmark": "json",
    "go-benchmark": "txt",
    "otava": "csv",
    "csv": "csv",
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_export_is_the_golden_one(name: str) -> None:
    several = BOTH if FORMATS[name].several_runs else RUN
    check(f"export-{name}.{TEXTS[name]}", FORMATS[name].render(several).decode())


@pytest.mark.parametrize("name", [name for name in FORMATS if not FORMATS[name].every_metric])
def test_the_order_of_the_measurements_does_not_matter(name: str) -> None:
    render = FORMATS[name].render
    assert render(RUN[::-1]) == render(RUN)


def test_bencher_reads_numbers_by_benchmark_and_measure() -> None:
    """value is required, the two others are numbers around it."""
    for measures in json.loads(bencher.render(RUN)).values():
        for name, found in measures.items():
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
            assert len(name) <= 64
            assert found["lower_value"] <= found["value"] <= found["upper_value"]


# The grammar of benchfmt's reader: a name, a count of iterations, pairs of value and unit.
RESULT = re.compile(r"Benchmark(\S+) ([0-9]+)((?: \S+ \S+)+)")
UNIT = re.compile(r"Unit (\S+) better=lower assume=(exact|nothing)")
CONFIG = re.compile(r"([a-z][a-z-]*):(?: (.*))?")

odd_text = st.text(min_size=1, max_size=12)
numbers = st.floats(min_value=0, max_value=1e12, allow_nan=False)


@given(binary=odd_text, metric=odd_text, unit=odd_text, value=numbers)
def test_whatever_the_names_every_go_benchmark_line_is_one_that_its_reader_takes(
    binary: str, metric: str, unit: str, value: float
) -> None:
    named = measured(value, binary=binary, metric=metric, unit=unit)
    declared, run, commit, result = (
        go_benchmark.render(pd.DataFrame([named])).decode().split("\n")[:-1]
    )
    assert UNIT.fullmatch(declared)
    assert CONFIG.fullmatch(run)
    assert CONFIG.fullmatch(commit)
    found = RESULT.fullmatch(result)
    assert found
    parts = found[1].split("/")
    assert [part.split("=")[0] for part in parts] == ["Upload", "binary", "source", "arm"]
    read, of_unit = found[3].split()
    assert float(read) == value
    assert of_unit == declared.split()[1]


def test_only_exact_metrics_are_declared_exact() -> None:
    text = go_benchmark.render(pd.DataFrame([measured(1.0), measured(2.0, **RSS)])).decode()
    assert "Unit heap-peak-memray-bytes better=lower assume=exact\n" in text
    assert "Unit rss-peak-bytes better=lower assume=nothing\n" in text


def test_no_name_ends_like_a_count_of_processors() -> None:
    """benchstat would cut `-8` off and take two binaries for one."""
    text = go_benchmark.render(pd.DataFrame([measured(1.0, arm="mine-8")])).decode()
    assert "/arm=mine%2d8 1 " in text


def test_otava_gets_a_number_in_every_cell_and_is_told_what_it_does_not_get() -> None:
    head, *rows = csv.reader(StringIO(otava.render(BOTH).decode()))
    assert head[:3] == ["time", "commit", "run_id"]
    assert [row[2] for row in rows] == ["r1", "r2"]
    assert all(float(cell) >= 0 for row in rows for cell in row[3:])
    assert otava.incomplete(BOTH) == [
        "libelf/replay/legacy/heap_peak_memray",
        "libelf/replay/streaming/rss_peak",
        "odd name/50%-8/replay/streaming/heap_peak_gc",
    ]


def test_tables_come_back_as_they_were() -> None:
    wanted = BOTH[COLUMNS].to_numpy().tolist()
    text = FORMATS["csv"].render(BOTH).decode()
    read = pd.read_csv(StringIO(text), keep_default_na=False)
    assert read.to_numpy().tolist() == wanted
    stored = pd.read_parquet(BytesIO(FORMATS["parquet"].render(BOTH)))
    assert stored.to_numpy().tolist() == wanted


def test_what_failed_is_no_measurement() -> None:
    rows = [
        sample("a", "legacy", 1.0),
        sample("a", "legacy", float("nan"), replicate=2),
        failure("a", "legacy", replicate=3),
    ]
    assert measurements_of(frames(rows))["value"].tolist() == [1.0]


def test_a_metric_counts_only_from_the_probe_that_is_there_to_take_it() -> None:
    found = [measured(1.0, **RSS), measured(9.0, **RSS | {"probe": "memray"})]
    assert tracked(pd.DataFrame(found), Metrics(Manifest()))["value"].tolist() == [1.0]


def test_values_that_differ_by_probe_are_not_mixed() -> None:
    found = [measured(1.0, metric="cpu_under_probe", probe=probe) for probe in ("gc", "memray")]
    with pytest.raises(ConfigError, match="taken by gc and memray"):
        tracked(pd.DataFrame(found), Metrics(Manifest()), {"cpu_under_probe"})
