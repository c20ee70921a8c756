"""Turn a stored run into files that people read: pictures, report.md, and all of it as one page."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from msgspec import structs

from harness.drawing import Drawing, Drawn
from harness.errors import HarnessError, StoreError, failing_as
from harness.plots import history
from harness.plots.style import write
from harness.records import Manifest
from harness.reports.markdown import render_report
from harness.reports.page.attachments import Flame, GateReport, Picture, read_gate
from harness.reports.page.rendering import render_page
from harness.reports.report import Report
from harness.stats.trends import Trend
from harness.text import escaped, write_file

_PLOTS = "plots"
_REPORT, _PAGE = "report.md", "report.html"
_GATE = Path("gate", "report.json")
_FLAME = "flame"


def write_files(
    report: Report, run_dir: Path, target: Path, *, html: bool = False, png: bool = False
) -> tuple[dict[str, str], list[HarnessError]]:
    """Write the pictures and report.md of a run into `target`, and with `html` report.html.

    With `png`, each picture is written as PNG too. A plot that breaks down is left out.

    Returns:
        The path of each file by its name, the report first and the pictures last; and why which
        plot broke down.

    Raises:
        StoreError: `target` cannot be written, or the gate's report beside the run not be read.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)  # there may be no picture to draw
        drawing = Drawing(report.frames, target / _PLOTS, png=png)
        files = {"report": target / _REPORT}
        if html:
            files["page"] = target / _PAGE
            _write_page(report, run_dir, files["page"], drawing)
        _write_report(report, files["report"], drawing.pictures)
    except OSError as error:
        raise StoreError(
            f"cannot write {error.filename or target}: {error.strerror}",
            remedy=f"write elsewhere: python -m harness report {run_dir} --output DIRECTORY",
        ) from error
    files |= {name: picture.path for name, picture in drawing.pictures.items()}
    return {name: str(path) for name, path in files.items()}, drawing.broken


def draw_history(trends: Sequence[Trend], directory: Path) -> dict[str, str]:
    """Draw many runs side by side; return the path of each picture by its name.

    Raises:
        StoreError: The directory cannot be written.
    """
    remedy = "choose another directory with --output"
    with failing_as(StoreError, f"cannot write into {directory}", remedy):
        picture = write(history.draw(trends), directory, "history")
    return {"history": str(picture)}


def _write_report(report: Report, path: Path, drawn: Mapping[str, Drawn]) -> None:
    shown = {one.path.relative_to(path.parent).as_posix(): one.question for one in drawn.values()}
    write_file(path, escaped(render_report(report, shown)).encode())


def _write_page(report: Report, run_dir: Path, page: Path, drawing: Drawing) -> None:
    manifest = report.frames.manifest
    content = render_page(
        report,
        _iter_pictures(drawing),
        _gate(run_dir, page.parent, manifest.run_id),
        dict(_iter_flames(run_dir, page.parent, manifest)),
    )
    write_file(page, escaped(content).encode())


def _iter_pictures(drawing: Drawing) -> Iterator[Picture]:
    """Yield the pictures; whoever asks for the first one waits until all are drawn."""
    for name, (path, question) in drawing.pictures.items():
        yield Picture(name, question, path.suffix[1:], path.read_bytes())


def _gate(run_dir: Path, start: Path, run_id: str) -> GateReport:
    path = run_dir / _GATE
    with failing_as(StoreError, str(path)):
        if not path.exists():
            return GateReport()
        gate = read_gate(path.read_bytes(), run_id)
    rows = gate.verdict.experiments if gate.verdict else []
    listed = {link.link for row in rows for link in row.links}
    flames = {one: found for one in listed if (found := _address(path.parent, one, start))}
    return structs.replace(gate, flames=flames)


def _iter_flames(run_dir: Path, start: Path, manifest: Manifest) -> Iterator[tuple[Flame, str]]:
    """Yield the flame graphs that are really there, each with its address from `start`."""
    for listed in manifest.flame:
        address = _address(run_dir, listed.path, start)
        if address:
            yield (listed.binary, listed.source, " and ".join(listed.arms)), address


def _address(directory: Path, listed: str, start: Path) -> str:
    """Return the address of a flame graph from `start`; empty if it is not there.

    What a stored document calls a path is foreign text: only files in its own directory count.
    """
    path = (directory / listed.replace("\0", "")).resolve()
    if not path.is_relative_to((directory / _FLAME).resolve()):
        return ""
    return quote(os.path.relpath(path, start.resolve())) if path.is_file() else ""
