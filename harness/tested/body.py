"""Run the body of one test in a worker, and tell how it ended in the words of pytest itself."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from harness.config import DEFAULTS
from harness.records import TEST, Call, Job, Record
from harness.run.executor import Settings, iter_records
from harness.run.extensions import resolve_probes
from harness.run.request import OWN_VARIABLES
from harness.run.scratch import scratch_directory
from harness.run.testing import ENDED_BY

NUMBER, LINES = "peak", "memray"
"""The probe that counts, and the one that also tells the lines."""

# What selects, distributes, repeats or reports is done by the pytest that the user has started;
# whatever traces would be measured itself.
_NOT_PASSED_ON = {
    "basetemp", "cacheclear", "cacheshow", "collectonly", "count", "debug", "deselect", "dist",
    "distload", "durations", "failedfirst", "file_or_dir", "forked", "help", "keyword", "lf",
    "log_file", "looponfail", "markexpr", "maxfail", "maxprocesses", "memray", "newfirst",
    "numprocesses", "override_basetemp", "pastebin", "pyargs", "px", "reruns", "rsyncdir",
    "setuponly", "setupplan", "setupshow", "stepwise", "stepwise_skip", "trace", "tx", "usepdb",
    "version", "xmlpath",
}  # fmt: skip
_TRACING = ("cov", "no_cov")
_VARYING = ("PYTEST_CURRENT_TEST", "COLUMNS", "LINES", "COVERAGE_PROCESS_START")


class Ended(Struct, kw_only=True):
    """How a body ended: what was measured or why not, and what pytest reported of each phase."""

    record: Record
    reports: list[Any]

    @property
    def peak_bytes(self) -> int:
        """The peak, by whichever probe."""
        return int(next(iter(self.record.values.values())))


class BodyFailed(Exception):
    """The test failed in its worker, for a reason of its own, as pytest represents it."""

    def __init__(self, told: object) -> None:
        super().__init__(str(told))
        self.told = told


def run_body(item: pytest.Item, probe: str) -> Ended:
    """Run the test in a fresh process, with the probe around its body alone."""
    with scratch_directory() as scratch:
        reports = scratch / "reports.jsonl"
        settings = Settings(
            work=str(item.config.invocation_params.dir),
            traits=resolve_probes((probe,)),
            env=_environment(),
        )
        job = _job(item, probe, scratch / "job", reports, settings.traits[probe].target)
        with closing(iter_records([job], settings)) as records:
            record = next(records)
        return Ended(record=record, reports=_reports(item.config, reports))


def outcome_of(item: pytest.Item, ended: Ended) -> None:
    """Do what the test did: return, or raise what it raised.

    Raises:
        BodyFailed: It failed, or its fixtures did.
        Skipped: It was skipped.
        XFailed: It failed as it was expected to.
    """
    for report in ended.reports:
        for title, text in report.sections:
            when = report.when or "collect"
            name = title.removeprefix("Captured ").removesuffix(f" {when}")
            item.add_report_section(when, name, text)
        if not getattr(report, ENDED_BY, "?"):
            continue
        if hasattr(report, "wasxfail"):
            pytest.xfail(report.wasxfail.removeprefix("reason: "))
        if report.skipped:
            pytest.skip(report.longrepr[2].removeprefix("Skipped: "))
        raise BodyFailed(report.longrepr)


def _job(item: pytest.Item, probe: str, scratch: Path, reports: Path, target: str) -> Job:
    path, rest = str(item.path), item.nodeid.partition("::")[2]
    return Job(
        run_id="pytest",
        binary=item.nodeid,
        binary_path="",
        binary_sha256="",
        arm=TEST,
        source=TEST,
        probe=probe,
        replicate=0,
        order=0,
        pipeline="",
        probe_target=target,
        intake_url="",
        scratch=str(scratch),
        timeout_s=item.config.option.peak_heap_timeout or DEFAULTS.timeout_s,
        call=Call(
            args=(f"{path}::{rest}", _options(item.config), _workerinput(item.config)),
            output=str(reports),
            paths=tuple(sys.path),
            roots=(str(item.config.rootpath),),
        ),
    )


def _options(config: pytest.Config) -> str:
    """Return the options of this pytest that the one in the worker gets too."""
    given = {
        name: value
        for name, value in vars(config.option).items()
        if name not in _NOT_PASSED_ON and not name.startswith(_TRACING) and _is_plain(value)
    }
    given |= {
        "capture": "fd",
        "inifilename": str(config.inipath) if config.inipath else None,
        "peak_heap": "off",
        "rootdir": str(config.rootpath),
    }
    return json.dumps(given)


def _workerinput(config: pytest.Config) -> str:
    given = {"workerid": "master", "testrunuid": "peak-heap", **getattr(config, "workerinput", {})}
    return json.dumps({name: value for name, value in given.items() if _is_plain(value)})


def _is_plain(value: object) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _environment() -> dict[str, str]:
    """Return the variables of this process, but for what decides how a worker runs."""
    own = {*OWN_VARIABLES, *_VARYING} - {"PATH"}
    return {name: value for name, value in os.environ.items() if name not in own}


def _reports(config: pytest.Config, path: Path) -> list[Any]:
    if not path.exists():
        return []
    hook: Any = config.hook
    with path.open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    return [hook.pytest_report_from_serializable(config=config, data=data) for data in lines]
