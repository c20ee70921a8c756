"""Keep parsed tables as Parquet, found again by the digest of the very bytes they were made from.

What is kept can therefore never be stale: a run that changed by a byte has another digest. Nothing
is written into the run, which may be read-only or sealed. Without pyarrow, or where nothing can be
written, everything works as if there were no cache.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import msgspec

from harness.store.tables import FORMAT, TABLES

if TYPE_CHECKING:
    from pandas import DataFrame

_FLAT = (str, int, bool, float, float | None)
"""The types of columns that come back from Parquet as they went in."""


def default_cache() -> Path:
    """Return the directory for caches of this user, after the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "harness" / "tables"


def through_cache(
    cache: Path, table: str, content: bytes, parse: Callable[[], DataFrame]
) -> DataFrame:
    """Return the table that `content` holds, kept from before or else parsed and kept.

    Args:
        cache: The directory; made if need be.
        table: Which table it is.
        content: The whole file. With a torn last line it is parsed each time, to say so each time.
        parse: Makes the table of it, and raises what there is to raise.
    """
    columns = {field.name: field.type for field in msgspec.structs.fields(TABLES[table])}
    if not content.endswith(b"\n") or not set(columns.values()) <= set(_FLAT):
        return parse()
    kept = cache / f"{table}-{_digest(columns, content)}.parquet"
    found = _read(kept)
    if found is not None:
        return found
    frame = parse()
    _write(frame, kept)
    return frame


def _digest(columns: dict[str, object], content: bytes) -> str:
    """Return what the table depends on: its bytes, and what this version makes of them."""
    import pandas as pd  # noqa: PLC0415 - only readers load it

    made_by = f"{FORMAT} {pd.__version__} {columns}\n".encode()
    return hashlib.sha256(made_by + content).hexdigest()


def _read(kept: Path) -> DataFrame | None:
    """Return a kept table; None when there is none, or when it cannot be read."""
    from pandas import read_parquet  # noqa: PLC0415 - see above

    # pyarrow raises its own subclasses of both for whatever is damaged.
    with suppress(OSError, ValueError, ImportError):
        return read_parquet(kept)
    return None


def _write(frame: DataFrame, kept: Path) -> None:
    """Keep a table, whole or not at all: another reader may look at any time."""
    with suppress(OSError, ValueError, ImportError):  # one that Parquet cannot hold is not kept
        kept.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=kept.parent, suffix=".part", delete=False) as part:
            partial = Path(part.name)
        try:
            frame.to_parquet(partial, index=False)
            partial.replace(kept)
        finally:
            partial.unlink(missing_ok=True)
