"""Write report.html: gather what lies in and beside a run, and render it as one file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from harness.errors import StoreError
from harness.reports.page.gate import Gate, read_gate
from harness.reports.page.material import Flame, Material
from harness.reports.page.picture import Picture
from harness.reports.page.rendering import render_page

if TYPE_CHECKING:
    from harness.cli.publish import Findings

_GATE = Path("gate", "report.json")
_FLAME = "flame"


def write_page(
    findings: Findings, run_dir: Path, page: Path, drawn: Mapping[str, tuple[Path, str]]
) -> None:
    """Write `page`, with every picture in it; `drawn` has each one's PNG, its SVG lies beside.

    Raises:
        StoreError: The gate's report is there and cannot be read.
    """
    material = Material(
        findings.frames,
        findings.summary,
        findings.provenance,
        pictures=[
            Picture(name, question, png.with_suffix(".svg").read_bytes(), png.read_bytes())
            for name, (png, question) in drawn.items()
        ],
        gate=_gate(run_dir, findings.provenance.run_id),
        flames=dict(_iter_flames(run_dir, page.parent, findings.frames.manifest)),
        warnings=findings.warnings,
    )
    page.write_text(render_page(material), encoding="utf-8")


def _gate(run_dir: Path, run_id: str) -> Gate:
    path = run_dir / _GATE
    try:
        return read_gate(path.read_bytes(), run_id)
    except FileNotFoundError:
        return Gate()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def _iter_flames(
    run_dir: Path, start: Path, manifest: Mapping[str, Any]
) -> Iterator[tuple[Flame, str]]:
    """Yield the flame graphs that are really there, each with its address from `start`.

    What a manifest calls a path is foreign text: only files in the run's own directory count.
    """
    own = (run_dir / _FLAME).resolve()
    for listed in manifest.get(_FLAME, []):
        path = (run_dir / str(listed["path"])).resolve()
        if path.is_file() and path.is_relative_to(own):
            shown = " and ".join(map(str, listed["arms"]))
            address = quote(os.path.relpath(path, start.resolve()))
            yield (str(listed["binary"]), str(listed["source"]), shown), address
