"""Every file that a real run leaves behind is what its published schema says, and no more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from harness import schemas
from harness.corpus import fixtures_directory
from harness.records import Manifest
from harness.store import RunWriter
from harness.store.baseline import Bound, promote, replace_bounds
from harness.tests.commands import ran, said_by
from harness.tests.described import assert_described, validator
from harness.tests.store.records import a_record
from harness.tests.store.sound_run import sound_run
from harness.tests.symbols.binaries import FIXTURES

Documents = dict[str, list[Any]]

BOUND = Bound(
    experiment="gate", check="peak", series="heap_peak_memray", upper_bound=2.5, observed=2.0,
    margin_pct=25.0, replicates=2, run="r1",
)  # fmt: skip

SUITE = """
corpus = "."
[[experiments]]
name = "peak"
replicates = 1
overshoot = "32 KiB"
gate = true
[[experiments.checks]]
name = "heap"
bounds = { series = "heap_peak_memray", upper_bound = "1 GiB" }
"""


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    """Measure one small binary and a broken one for real; return all that was written, by name."""
    work = tmp_path_factory.mktemp("schemas")
    corpus = work / "corpus"
    corpus.mkdir()
    for name in ("rust/dwarf5.so", "c/stripped.so"):
        shutil.copy(FIXTURES / name, corpus)
    (work / "suite.toml").write_text(SUITE)
    # Both sources: reading back what is so small makes too little garbage for a collection.
    options = (
        "--source", "replay", "--source", "dwarf", "--replicates", "1",
        "--probe", "memray", "--probe", "gc",
    )  # fmt: skip
    run = "results/runs/*"
    said = said_by(
        caller(work),
        ["run", "corpus", *options, "--json", "--no-report"],
        ["gate", run, "--suite", "suite.toml", "--json"],
        ["compare", run, "--arms", "legacy", "streaming", "--json"],
    )
    summary, verdict, comparison = ([json.loads(out)] for _, out, _ in said)
    (place,) = work.glob(run)
    return {
        **dict(iter_files(place)),
        **dict(iter_files(a_baseline(work))),
        "summary.json": summary,
        "report.json": verdict,
        "comparison.json": comparison,
    }


def a_baseline(work: Path) -> Path:
    """Return a promoted baseline with a bound; only its own two files are of interest here."""
    promoted = promote(sound_run(work / "sound"), work / "baseline")
    path = replace_bounds(promoted, [BOUND]).path
    for file in path.iterdir():
        if file.name not in {"digests.json", "bounds.json"}:
            file.unlink()
    return path


def caller(work: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(work / "cache"), "NO_COLOR": "1"}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return ran(sys.executable, *arguments, cwd=work, env=environment)

    return call


def iter_files(directory: Path) -> Iterator[tuple[str, list[Any]]]:
    """Yield every file of JSON in a directory, with its documents: a table's are its rows."""
    for path in directory.iterdir():
        if path.suffix == ".jsonl":
            yield path.name, [json.loads(line) for line in path.read_text().splitlines()]
        elif path.suffix == ".json":
            yield path.name, [json.loads(path.read_bytes())]


STORED = [name for name in schemas.names() if name.endswith((".json", ".jsonl"))]
# The tests of these commands hold what they print against its schema.
PRINTED = {"sweep.json", "limit.json", "scaling.json", "history.json", "baseline.json",
           "plugins.json", "baseline-diff.json", "upload.json", "upload.jsonl"}  # fmt: skip


def test_there_is_a_schema_of_everything_that_a_run_leaves_behind(documents: Documents) -> None:
    assert sorted({*documents, *PRINTED}) == sorted(STORED)
    assert all(documents.values()), "a table without rows proves nothing"


@pytest.mark.parametrize("name", sorted(set(STORED) - PRINTED))
def test_what_was_written_is_valid_and_lacking_a_key_or_of_another_kind_would_not_be(
    documents: Documents, name: str
) -> None:
    for document in documents[name]:
        validator(name).validate(document)
    assert_described(name, documents[name][0])


@pytest.mark.parametrize("name", schemas.names())
def test_a_schema_is_one_by_its_own_dialect(name: str) -> None:
    Draft202012Validator.check_schema(schemas.schema_of(name))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("corpus.toml", fixtures_directory() / "corpus.toml"),
        *(("suite.toml", suite) for suite in (fixtures_directory() / "suites").glob("*.toml")),
    ],
    ids=lambda value: Path(value).name,
)
def test_committed_suites_and_pins_are_valid_and_misspelt_ones_are_not(
    name: str, file: Path
) -> None:
    content = tomllib.loads(file.read_text())
    validator(name).validate(content)
    assert not validator(name).is_valid({**content, "misspelt": 1})


def test_sizes_in_words_and_single_names_are_valid_in_a_suite() -> None:
    """What the reader of suites takes, their schema has to take."""
    validator("suite.toml").validate(tomllib.loads(SUITE))
    wrong = SUITE.replace('overshoot = "32 KiB"', "overshoot = [32]")
    assert not validator("suite.toml").is_valid(tomllib.loads(wrong))


def test_no_manifest_is_written_with_a_key_that_its_schema_does_not_know(tmp_path: Path) -> None:
    with RunWriter.create(tmp_path, Manifest(state="running")) as writer:
        writer.append(a_record())
        with pytest.raises(TypeError, match="surprise"):
            writer.update_manifest(surprise=1)
        with pytest.raises(msgspec.ValidationError, match="warnings"):
            writer.update_manifest(warnings="not a list")
