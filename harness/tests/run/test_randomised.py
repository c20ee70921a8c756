"""Where addresses cannot be fixed, and what is set for the measured processes, is on record."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from msgspec import structs

from harness.errors import ConfigError
from harness.run.executor import Settings, iter_records
from harness.run.request import parse_env
from harness.store import read_manifest
from harness.store.reader import StoredRecords
from harness.tests.commands import HARNESS, ran
from harness.tests.run.conftest import MakeJob
from harness.tests.run.refusing import PERSONALITY
from harness.tests.symbols.binaries import FIXTURES


def measured(tmp_path: Path, *before: str, options: tuple[str, ...] = ()) -> Path:
    """Return the run that a command leaves, started through another one or not."""
    quick = ("--source", "replay", "--probe", "peak", "--replicates", "1", "--no-report")
    named = (str(FIXTURES / "c" / "dwarf5.so"), *quick, "--arm", "streaming", *options)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    ran(*before, *HARNESS, "run", *named, cwd=tmp_path, env=environment, check=True)
    (run,) = (tmp_path / "results" / "runs").iterdir()
    return run


@pytest.mark.skipif(os.uname().machine not in PERSONALITY, reason="no number of the call is known")
def test_refused_fixed_addresses_and_what_is_set_are_on_record(tmp_path: Path) -> None:
    """That they are not told of where nobody refuses them, the replicates of every run show."""
    refused = (sys.executable, "-m", "harness.tests.run.refusing")
    run = measured(tmp_path, *refused, options=("--env", "MALLOC_ARENA_MAX=1", "--env", "EMPTY="))
    records = list(StoredRecords(run, []))
    assert {record.randomised for record in records if record.job.probe == "peak"} == {True}
    manifest = read_manifest(run)
    assert manifest.options.env == {"MALLOC_ARENA_MAX": "1", "EMPTY": ""}
    assert "--env MALLOC_ARENA_MAX=1" in manifest.command


def test_a_variable_reaches_the_measured_process(job: MakeJob, settings: Settings) -> None:
    settings = structs.replace(settings, env={"HARNESS_TEST": "here I am"})
    speaking = job(pipeline="harness.tests.run.faulty:raises_its_variable")
    (record,) = iter_records([speaking], settings)
    assert "ZeroDivisionError: here I am" in record.detail


@pytest.mark.parametrize("text", ["NAME", "=value", "", "PYTHONHASHSEED=1", "PYTHONMALLOC=debug"])
def test_what_sets_no_variable_or_one_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_env([text])
