"""What a run shows while it lasts: rows from the records just received, and not without end."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.bench.generated import a_request, iter_generated
from harness.cli import run_view
from harness.cli.run_view import RunView
from harness.records import Record
from harness.run.events import CellMeasured, JobFinished, RunStarted
from harness.run.manifest import first_manifest
from harness.store import RunWriter
from harness.store.manifest import MANIFEST
from harness.store.progress import HowFar


def test_rows_need_nothing_of_the_store_but_its_first_manifest_and_come_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_view, "MOST_ROWS", 2)
    request = a_request(3, tmp_path)
    cells: dict[str, list[Record]] = {}
    for record in iter_generated(request):
        if record.job.source == "replay":
            cells.setdefault(record.job.binary, []).append(record)
    out = io.StringIO()
    view = RunView(Console(file=out, width=100))
    with RunWriter.create(tmp_path, first_manifest(request)) as writer:
        view(RunStarted(writer.path, 3, 1))
        for binary, records in cells.items():
            view(CellMeasured(binary, "replay", records))
            (writer.path / MANIFEST).unlink(missing_ok=True)
    first, second, third = cells
    shown = out.getvalue()
    assert first in shown
    assert second in shown
    assert third not in shown
    assert shown.endswith("no more rows while it runs: the report has them all\n")


@pytest.mark.parametrize(
    ("whole", "planned"), [(False, "7 measured processes"), (True, "7 to measure")]
)
def test_what_is_planned_is_processes_here_and_binaries_on_an_executor(
    whole: bool, planned: str, tmp_path: Path
) -> None:
    out = io.StringIO()
    RunView(Console(file=out, width=200))(RunStarted(tmp_path, 9, 7, whole=whole))
    assert out.getvalue().startswith(f"9 binaries, {planned}, results in ")


@pytest.mark.parametrize(("quiet", "verbose"), [(False, False), (True, False), (False, True)])
def test_a_log_says_how_far_a_long_run_has_come(quiet: bool, verbose: bool, tmp_path: Path) -> None:
    request = a_request(1, tmp_path)
    record = next(iter_generated(request))
    out = io.StringIO()
    view = RunView(Console(file=out, width=100), quiet=quiet, verbose=verbose)
    with RunWriter.create(tmp_path, first_manifest(request)) as writer:
        view(RunStarted(writer.path, 1, 1))
        begun = out.getvalue()
        for done in range(1, 5001):
            far = HowFar(done=done, total=5000, unit="", failed=done // 1000, eta_s=7200.0)
            view(JobFinished(record, far))
    said = out.getvalue().removeprefix(begun).splitlines()
    assert len(said) == (0 if quiet else 5000 if verbose else 9)
    if not quiet and not verbose:
        assert said[0] == "500 of 5,000 done, about 2 h 00 min left"
        assert said[-1] == "4,500 of 5,000 done, 4 failed, about 2 h 00 min left"
