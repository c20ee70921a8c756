"""Open what is compared: a run, or a promoted baseline of which not a byte may have changed."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from harness.errors import StoreError
from harness.loading import frames_of, load_frames
from harness.records import Manifest
from harness.stats.files import compare_files
from harness.stats.frames import Frames
from harness.stats.verdict import FileChanges, Side
from harness.store.baseline import Bound, open_baseline
from harness.store.files import files_of
from harness.store.seal import is_sealed

PROMOTED, RUN = "promoted", "run"


class Opened(Struct, frozen=True):
    """One side: its tables, where it comes from, and what reading it showed to be wrong.

    `bounds` are those that were ratcheted; only a promoted baseline has any.
    """

    path: Path
    kind: str
    frames: Frames
    warnings: tuple[str, ...]
    bounds: tuple[Bound, ...] = ()

    def side(self, arm: str = "") -> Side:
        """Return what a verdict says about where the numbers come from."""
        manifest = self.frames.manifest
        return Side(
            kind=self.kind,
            run_id=manifest.run_id,
            commit=_commit(manifest),
            arm=arm,
        )


def open_side(path: Path) -> Opened:
    """Read one side of a comparison.

    Raises:
        StoreError: It is no run, is damaged, or is a baseline that was touched.
    """
    if is_sealed(path):
        baseline = open_baseline(path)
        frames, bounds, kind = frames_of(baseline.run), baseline.bounds, PROMOTED
    else:
        frames, bounds, kind = load_frames(path), (), RUN
    return Opened(path, kind, frames, tuple(frames.warnings), bounds)


def open_or_explain(path: Path) -> Opened:
    """Read one side; of one that is damaged, return no tables and the reason.

    A verdict is still given then, which is that there can be none, and everybody who reads its
    outputs learns why.

    Raises:
        StoreError: There is no such directory at all.
    """
    try:
        return open_side(path)
    except StoreError as error:
        if not path.is_dir():
            raise
        return Opened(path, RUN, Frames.build(), (str(error),))


def compare_files_of(baseline: Opened | None, candidate: Opened) -> FileChanges:
    """Return how the files changed since the ancestor, if that can be told."""
    if baseline is None:
        return FileChanges(checked=False, note="there is no ancestor to compare with")
    if not (baseline.frames.manifest.run_id and candidate.frames.manifest.run_id):
        return FileChanges(checked=False, note="a side is damaged")
    try:
        return compare_files(files_of(baseline.path), files_of(candidate.path))
    except StoreError as error:
        return FileChanges(checked=False, note=str(error))


def _commit(manifest: Manifest) -> str:
    name = manifest.commit
    return f"{name}, with changes" if name and manifest.dirty else name
