"""Get a run as tidy tables in one call: the door for notebooks, and for anybody with pandas."""

from __future__ import annotations

import os
from pathlib import Path

from harness.stats.frames import Frames
from harness.store.cache import default_cache
from harness.store.reader import load


def load_frames(run: str | os.PathLike[str], *, cache: Path | None = None) -> Frames:
    """Return the tables of a run or of a baseline, one observation a row.

    Replicates that failed are in `samples`, with their status; `harness.stats.frames.succeeded`
    leaves them out. With pyarrow installed (extra `notebook`) parsed tables are kept for the next
    time, by the digest of what they were made from; the run itself may be read-only.

    Args:
        run: The directory.
        cache: Where to keep them; without, `harness/tables` in the user's cache directory.

    Raises:
        StoreError: There is no run, a line is damaged, or a baseline was touched.
    """
    return Frames.of(load(Path(run), cache=cache or default_cache()))
