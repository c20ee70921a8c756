"""Figures of a run are sums over what it stored."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from harness.bench.figures import of_extraction, of_run
from harness.store import read_run
from harness.tests.store.sound_run import sound_run
from harness.tests.symbols.binaries import FIXTURES


def test_cpu_time_is_summed_by_source_and_probe(tmp_path: Path) -> None:
    run = read_run(sound_run(tmp_path))
    for number, record in enumerate(run.records):
        record.values |= {"cpu_under_probe": float(number)}
    probes = {(record.job.source, record.job.probe) for record in run.records}
    found = of_run(structs.replace(run, manifest=structs.replace(run.manifest, elapsed_s=7.0)))
    assert found["elapsed_s"] == 7.0
    sums = found["cpu_s"]
    assert isinstance(sums, dict)
    assert sums.keys() == {f"{source} {probe}" for source, probe in probes}
    assert sum(sums.values()) == sum(number for number, _ in enumerate(run.records))


def test_extraction_is_held_against_a_walk_that_extracts_nothing() -> None:
    path = FIXTURES / "c" / "dwarf5.so"
    assert of_extraction([str(path)], rounds=1)[path.name] > 0
