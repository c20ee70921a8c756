"""Draw what a binary's kept captures hold at their peaks into `flame/` of its run.

The manifest lists the pages under `flame`, each with what it shows and its path relative to the
run. A page's file name is a number and what of the binary's name is harmless: names of files may be
anything, and these end up in links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.errors import MeasurementInvalid
from harness.records import FlamePage
from harness.run.flame import draw_difference, draw_flame_graph
from harness.run.request import Binary, RunRequest
from harness.store import RunWriter, read_records

CAPTURES, FLAME = "captures", "flame"
_PROBE = "memray"
_HARMLESS = re.compile(r"[^A-Za-z0-9_-]+")
_NAME_WIDTH = 40


def draw_pages(writer: RunWriter, request: RunRequest, binary: Binary) -> Iterator[str]:
    """Draw a page for each source and arm of a binary, and one of the first two arms together.

    Nothing is drawn without kept captures, or again after an interruption. Pages that are drawn are
    in the manifest when this is exhausted; what is yielded says, for people, what could not be.
    """
    pages = list(writer.manifest.flame)
    if not request.keep_captures or any(page.binary == binary.name for page in pages):
        return
    arms = [arm.name for arm in request.arms]
    for source, captures in _captures(writer.path, binary.name).items():
        for shown in _together(arms, captures):
            name = _file_name(len(pages), (binary.name, source, *shown))
            page = FlamePage(binary=binary.name, source=source, arms=shown, path=f"{FLAME}/{name}")
            failure = _try(writer.path, page, captures)
            if failure:
                yield f"{binary.name}: no flame graph of {' and '.join(shown)}: {failure}"
            else:
                pages.append(page)
    writer.update_manifest(flame=pages)


def _together(arms: list[str], captures: dict[str, Path]) -> Iterator[list[str]]:
    """Yield what pages show: each arm that has a capture, then baseline and candidate."""
    yield from ([arm] for arm in arms if arm in captures)
    if len(arms) > 1 and captures.keys() >= set(arms[:2]):
        yield arms[:2]


def _try(run_dir: Path, page: FlamePage, captures: dict[str, Path]) -> str:
    """Draw one page and return nothing, or leave nothing of it and return why.

    A page is larger than all that was measured: half of one must not take its room.
    """
    target = run_dir / page.path
    try:
        target.parent.mkdir(exist_ok=True)
        _draw(target, page, captures)
    except (MeasurementInvalid, OSError) as error:
        target.unlink(missing_ok=True)
        return str(error)
    return ""


def _draw(target: Path, page: FlamePage, captures: dict[str, Path]) -> None:
    if len(page.arms) == 1:
        draw_flame_graph(captures[page.arms[0]], target)
        return
    before, after = (captures[arm] for arm in page.arms)
    subject = f"{page.binary}, source {page.source}"
    draw_difference((page.arms[0], before), (page.arms[1], after), target, subject)


def _captures(run_dir: Path, binary: str) -> dict[str, dict[str, Path]]:
    """Return the capture of the first replicate that has one, by source and arm."""
    found: dict[str, dict[str, Path]] = {}
    jobs = [record.job for record in read_records(run_dir, [])]
    for job in sorted(jobs, key=lambda job: job.replicate):
        capture = run_dir / CAPTURES / f"{job.order:07d}.bin"
        if (job.binary, job.probe) == (binary, _PROBE) and capture.is_file():
            found.setdefault(job.source, {}).setdefault(job.arm, capture)
    return found


def _file_name(number: int, parts: tuple[str, ...]) -> str:
    slug = "-".join(_HARMLESS.sub("_", part)[:_NAME_WIDTH] for part in parts)
    return f"{number:04d}-{slug}.html"
