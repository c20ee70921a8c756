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
from harness.run.events import CellMeasured, RunStarted
from harness.run.manifest import first_manifest
from harness.store import RunWriter
from harness.store.manifest import MANIFEST


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
