"""Read a run back, strictly: only the last line may be torn, and then it is said."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from harness.errors import StoreError
from harness.store.cache import through_cache
from harness.store.manifest import read_manifest
from harness.store.seal import is_sealed, verify_seal
from harness.store.tables import (
    BATCHES,
    COPIES,
    DELIVERIES,
    FAILURES,
    GC,
    SAMPLES,
    TABLES,
    TIMELINE,
    Row,
)

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class RunData:
    """Everything one run measured, a data frame a table, columns as in `harness.store.tables`.

    `warnings` says what is not as a clean run would leave it; it is for the reader to show.
    """

    path: Path
    manifest: dict[str, Any]
    samples: DataFrame
    batches: DataFrame
    collections: DataFrame
    timeline: DataFrame
    copies: DataFrame
    deliveries: DataFrame
    failures: DataFrame
    warnings: list[str] = field(default_factory=list)


def load(
    run_dir: Path, tables: Collection[str] = tuple(TABLES), *, cache: Path | None = None
) -> RunData:
    """Read a run directory, finished or not.

    Args:
        run_dir: Where it is.
        tables: Those that are wanted; the others stay empty, and unread.
        cache: Where parsed tables are kept for the next time, which see `harness.store.cache`.

    Raises:
        StoreError: There is no run, it is of another format, a line is damaged, or it was promoted
            and is not what was promoted.
    """
    manifest = read_manifest(run_dir)
    _refuse_touched(run_dir, manifest)
    warnings = [str(warning) for warning in manifest.get("warnings", [])]
    frames = {
        name: _read_table(run_dir, name, warnings, cache) if name in tables else _frame([], name)
        for name in TABLES
    }
    return RunData(
        path=run_dir,
        manifest=manifest,
        samples=frames[SAMPLES],
        batches=frames[BATCHES],
        collections=frames[GC],
        timeline=frames[TIMELINE],
        copies=frames[COPIES],
        deliveries=frames[DELIVERIES],
        failures=frames[FAILURES],
        warnings=warnings,
    )


def _refuse_touched(run_dir: Path, manifest: dict[str, Any]) -> None:
    """Let nobody read a baseline that was touched, nor one whose seal was taken away."""
    if is_sealed(run_dir) or manifest.get("promoted"):
        verify_seal(run_dir)


def read_rows(run_dir: Path, table: str, warnings: list[str]) -> list[Row]:
    """Return the rows of one table; a torn last line is left out and put into `warnings`.

    Raises:
        StoreError: A line that was written whole is damaged; file and line are named.
    """
    path = run_dir / f"{table}.jsonl"
    return _parse(_content(path), path, table, warnings)


def _read_table(run_dir: Path, table: str, warnings: list[str], cache: Path | None) -> DataFrame:
    path = run_dir / f"{table}.jsonl"
    content = _content(path)

    def parse() -> DataFrame:
        return _frame(_parse(content, path, table, warnings), table)

    return parse() if cache is None else through_cache(cache, table, content, parse)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def _parse(content: bytes, path: Path, table: str, warnings: list[str]) -> list[Row]:
    *whole, torn = content.split(b"\n")
    if torn:
        warnings.append(f"{path}: line {len(whole) + 1} is torn and was left out")
    decoder = msgspec.json.Decoder(TABLES[table])
    return [_decode(decoder, line, path, number) for number, line in enumerate(whole, start=1)]


def _decode(decoder: msgspec.json.Decoder[Row], line: bytes, path: Path, number: int) -> Row:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path}: line {number} is damaged: {error}",
            remedy="the run cannot be trusted; measure again",
        ) from error


def _frame(rows: list[Row], table: str) -> DataFrame:
    from pandas import DataFrame  # noqa: PLC0415  half a second that writers need not pay

    columns = list(TABLES[table].__struct_fields__)
    data = {name: [getattr(row, name) for row in rows] for name in columns}
    kinds = {f.name: _dtype(f.type) for f in msgspec.structs.fields(TABLES[table])}
    return DataFrame(data, columns=columns).astype(kinds)


def _dtype(kind: Any) -> str:
    """Return the dtype that an empty column needs to behave like a full one."""
    known = {str: "str", int: "int64", bool: "bool", float: "float64", float | None: "float64"}
    return known.get(kind, "object")
