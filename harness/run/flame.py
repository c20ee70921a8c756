"""Flame graphs of what is alive at the peak: one per capture, and one of the difference of two.

They are drawn into `flame/` of a run from the captures it has kept. The manifest lists the pages
under `flame`, each with what it shows and its path relative to the run. A page's file name is a
number and what is harmless of the binary's name: names of files may be anything, and these end up
in links.

The differential one is ours, because memray draws none: one page without scripts or anything from
elsewhere. A box is as wide as the larger of the two arms is in it; red is what only the baseline
holds, blue what only the candidate does, grey what both do.
"""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from harness.errors import MeasurementInvalid
from harness.records import Binary, Cell, FlamePage
from harness.run.request import RunRequest
from harness.store import RunWriter
from harness.store.reader import StoredRecords
from harness.text import last_line

_Stack = tuple[str, ...]

CAPTURES, FLAME = "captures", "flame"
PROBE = "memray"
"""The probe whose captures are kept and drawn."""

_HARMLESS = re.compile(r"[^A-Za-z0-9_-]+")
_NAME_WIDTH = 40
_READ_S = 600.0
_ROW_PX = 18
_SMALLEST_SHARE = 0.001


def draw_pages(writer: RunWriter, request: RunRequest, binary: Binary) -> Iterator[str]:
    """Draw a page for each source and arm of a binary, and one of the first two arms together.

    Nothing is drawn without kept captures, or again after an interruption. Pages that are drawn are
    in the manifest when this is exhausted; what is yielded says, for people, what could not be.
    """
    pages = list(writer.manifest.flame)
    if not request.keep_captures or any(page.binary == binary.name for page in pages):
        return
    arms = [arm.name for arm in request.arms]
    roots = sorted({root for arm in request.arms if arm.call for root in arm.call.roots})
    for source, captures in _captures(writer.path, binary.name).items():
        for shown in _together(arms, captures):
            name = _file_name(len(pages), (binary.name, source, *shown))
            page = FlamePage(binary=binary.name, source=source, arms=shown, path=f"{FLAME}/{name}")
            target = writer.path / page.path
            if failure := _drawn(target, partial(_draw_page, page, captures, roots)):
                yield f"{binary.name}: no flame graph of {' and '.join(shown)}: {failure}"
            else:
                pages.append(page)
    writer.update_manifest(flame=pages)


def _together(arms: list[str], captures: dict[str, Path]) -> Iterator[list[str]]:
    """Yield what pages show: each arm that has a capture, then baseline and candidate."""
    yield from ([arm] for arm in arms if arm in captures)
    if len(arms) > 1 and captures.keys() >= set(arms[:2]):
        yield arms[:2]


def _drawn(target: Path, draw: Callable[[Path], None]) -> str:
    """Draw one page and return nothing, or leave nothing of it and return why.

    A page is larger than all that was measured: half of one must not take its room.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draw(target)
    except (MeasurementInvalid, OSError) as error:
        target.unlink(missing_ok=True)
        return str(error)
    return ""


def _draw_page(
    page: FlamePage, captures: dict[str, Path], roots: Sequence[str], target: Path
) -> None:
    first, *second = [(arm, captures[arm]) for arm in page.arms]
    if not second:
        draw_flame_graph(first[1], target)
    else:
        draw_difference(first, second[0], target, f"{page.binary}, source {page.source}", roots)


def _captures(run_dir: Path, binary: str) -> dict[str, dict[str, Path]]:
    """Return the capture of the first replicate that has one, by source and arm."""
    found: dict[str, dict[str, Path]] = {}
    jobs = [record.job for record in StoredRecords(run_dir, [])]
    for job in sorted(jobs, key=lambda job: job.replicate):
        capture = run_dir / CAPTURES / f"{job.order:07d}.bin"
        if (job.binary, job.probe) == (binary, PROBE) and capture.is_file():
            found.setdefault(job.source, {}).setdefault(job.arm, capture)
    return found


def draw_growth(
    baseline: Sequence[Path],
    candidate: Sequence[Path],
    cells: Iterable[Cell],
    target: Path,
    say: Callable[[str], None],
) -> dict[Cell, str]:
    """Draw what an arm holds over a binary in one run against what it did in another.

    Of the runs of each side, the first that has kept a capture is drawn. Pages are put into
    `flame/` of `target`; their paths from there come back by cell, but for cells of which a side
    has no capture. `say` is told which page could not be drawn, and why.
    """
    drawn: dict[Cell, str] = {}
    for cell in cells:
        before, after = (_first_capture(runs, cell) for runs in (baseline, candidate))
        if before is None or after is None:
            continue
        name = f"{FLAME}/{_file_name(len(drawn), cell)}"
        sides = ("baseline", before), ("candidate", after)
        subject = f"{cell[0]}, source {cell[1]}, {cell[2]}"
        if failure := _drawn(target / name, partial(draw_difference, *sides, subject=subject)):
            say(f"no flame graph of {cell[2]} over {cell[0]}: {failure}")
        else:
            drawn[cell] = name
    return drawn


def _first_capture(runs: Sequence[Path], cell: Cell) -> Path | None:
    binary, source, arm = cell
    found = (_captures(run, binary).get(source, {}).get(arm) for run in runs
             if (run / CAPTURES).is_dir())  # fmt: skip
    return next(filter(None, found), None)


def _file_name(number: int, parts: tuple[str, ...]) -> str:
    slug = "-".join(_HARMLESS.sub("_", part)[:_NAME_WIDTH] for part in parts)
    return f"{number:04d}-{slug}.html"


def draw_flame_graph(capture: Path, page: Path) -> None:
    """Draw one capture with memray's own reporter; the page needs no network, and 5 MB.

    Raises:
        MeasurementInvalid: The capture cannot be read.
    """
    _run("memray", "flamegraph", "--no-web", "--force", "--output", str(page), str(capture))


def draw_difference(
    baseline: tuple[str, Path],
    candidate: tuple[str, Path],
    page: Path,
    subject: str,
    roots: Sequence[str] = (),
) -> None:
    """Draw what one capture holds at its peak against what another does.

    Each side is a name and a capture. Lines of the code in `roots` are the same wherever it stands.

    Raises:
        MeasurementInvalid: One of them cannot be read.
    """
    (old, before), (new, after) = baseline, candidate
    text = difference_page((old, _stacks(before, roots)), (new, _stacks(after, roots)), subject)
    page.write_text(text, encoding="utf-8")


class _Box(Struct):
    """One frame under its callers, with the live bytes below it in both arms."""

    baseline: int = 0
    candidate: int = 0
    inner: dict[str, _Box] = {}

    @property
    def width(self) -> int:
        return max(self.baseline, self.candidate)


def difference_page(
    baseline: tuple[str, Counter[_Stack]], candidate: tuple[str, Counter[_Stack]], subject: str
) -> str:
    """Return an HTML page; box widths are in proportion to bytes."""
    (old, before), (new, after) = baseline, candidate
    root = _Box()
    for stack, size in before.items():
        for box in _path(root, stack):
            box.baseline += size
    for stack, size in after.items():
        for box in _path(root, stack):
            box.candidate += size
    drawn: list[str] = []
    _draw_box(root, "all", (0.0, 100.0), 0, drawn)
    depth = 1 + max((len(stack) for stack in (*before, *after)), default=0)
    return _PAGE.format(
        boxes="\n".join(drawn),
        height=depth * _ROW_PX,
        title=html.escape(f"Live heap at the peak over {subject}: {old} and {new}"),
        old=html.escape(old),
        new=html.escape(new),
        baseline=f"{root.baseline:,}",
        candidate=f"{root.candidate:,}",
    )


def _path(root: _Box, stack: _Stack) -> list[_Box]:
    boxes = [root]
    for frame in stack:
        boxes.append(boxes[-1].inner.setdefault(frame, _Box()))
    return boxes


def _draw_box(
    box: _Box, name: str, span: tuple[float, float], depth: int, drawn: list[str]
) -> None:
    """Add `box` and those inside of it; widths of siblings share what their parent has."""
    left, width = span
    label = html.escape(name)
    title = f"{label}\n{box.baseline:,} bytes, then {box.candidate:,}"
    drawn.append(
        f'<div style="left:{left:.4f}%;width:{width:.4f}%;top:{depth * _ROW_PX}px;'
        f'background:{_colour(box)}" title="{title}">{label}</div>'
    )
    inside = sum(inner.width for inner in box.inner.values())
    scale = width / max(inside, box.width, 1)
    for frame, inner in sorted(box.inner.items(), key=lambda item: -item[1].width):
        if inner.width * scale >= _SMALLEST_SHARE * 100:
            _draw_box(inner, frame, (left, inner.width * scale), depth + 1, drawn)
        left += inner.width * scale


def _colour(box: _Box) -> str:
    """Return red for what shrinks, blue for what grows, paler the less it does."""
    change = (box.candidate - box.baseline) / box.width if box.width else 0.0
    hue, strength = (0, -change) if change < 0 else (215, change)
    return f"hsl({hue} {strength * 80:.0f}% {88 - strength * 18:.0f}%)"


def _stacks(capture: Path, roots: Sequence[str]) -> Counter[_Stack]:
    pairs = msgspec.json.decode(
        _run("harness.probes.stacks", *roots, str(capture)), type=list[tuple[int, _Stack]]
    )
    return Counter({stack: size for size, stack in pairs})


def _run(module: str, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            capture_output=True,
            timeout=_READ_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MeasurementInvalid(f"{arguments[-1]} was not drawn in {_READ_S:g} s") from error
    if done.returncode:
        told = last_line(done.stderr.decode("utf-8", "backslashreplace"))
        raise MeasurementInvalid(f"{arguments[-1]} cannot be drawn: {told}")
    return done.stdout


_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 14px system-ui, sans-serif; margin: 1rem; }}
#flame {{ position: relative; height: {height}px; }}
#flame div {{ position: absolute; height: 17px; box-sizing: border-box; overflow: hidden;
  border: 1px solid #fff; font: 11px/15px ui-monospace, monospace; white-space: nowrap; }}
</style>
<h1>{title}</h1>
<p>{old}: {baseline} bytes, {new}: {candidate} bytes. Red is held by {old} only, blue by {new} only,
grey by both; a box is as wide as the larger of the two. Callers are above what they call.</p>
<div id="flame">
{boxes}
</div>
"""
