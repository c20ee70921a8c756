"""The JSON Schema of every file that is stored or read, made from the types that write it.

So a schema and its file cannot drift apart: there is no second description of either.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import msgspec
from pydantic import BaseModel

from harness.corpus.manifest import CorpusManifest
from harness.errors import ConfigError
from harness.gates.suite import Suite
from harness.nearest import nearest
from harness.records import Manifest, Record
from harness.registry import PluginsDocument
from harness.reports.document import SummaryDocument
from harness.reports.limit import LimitDocument
from harness.reports.scaling import ScalingDocument
from harness.reports.sweep import SweepDocument
from harness.stats.trends import HistoryDocument
from harness.stats.verdict import BaselineDiff, ComparisonDocument, Verdict
from harness.store.baseline import BOUNDS, BaselineDocument, Bound
from harness.store.manifest import MANIFEST
from harness.store.reader import RECORDS
from harness.store.seal import SEAL, Seal
from harness.upload.document import UploadDocument
from harness.upload.journal import JOURNAL, JournalLine

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def names() -> list[str]:
    """Return what there are schemas of: files, and documents that `--json` prints."""
    return list(_SOURCES)


def about(name: str) -> str:
    """Say in a few words what one name is."""
    return _SOURCES[name][0]


def schema_of(name: str) -> Schema:
    """Return one JSON Schema. That of a `.jsonl` file is of each line, of a TOML file of its data.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in _SOURCES:
        raise ConfigError(f"there is no schema of {name!r}", remedy=nearest(name, _SOURCES))
    described, kind = _SOURCES[name]
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
    made = kind.model_json_schema() if is_model else msgspec.json.schema(kind)
    head = {"$schema": DIALECT, "title": f"{name}: {described}"}
    return {**head, **{key: _tidied(value) for key, value in made.items() if key not in head}}


def _tidied(schema: Any) -> Any:
    """Return a schema whose descriptions are not indented like the docstrings they were."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: cleandoc(value) if key == "description" and isinstance(value, str) else _tidied(value)
        for key, value in schema.items()
    }


_SOURCES: dict[str, tuple[str, Any]] = {
    MANIFEST: ("what a run was asked for, on what and how it ended", Manifest),
    RECORDS: ("one line: what one replicate returned", Record),
    SEAL: ("what every file of a promoted baseline has to be", Seal),
    BOUNDS: ("the bounds that were ratcheted", tuple[Bound, ...]),
    "report.json": ("the verdict of harness gate", Verdict),
    "comparison.json": ("what harness compare --json prints", ComparisonDocument),
    "summary.json": ("what --json of harness run and report prints", SummaryDocument),
    "sweep.json": ("what harness sweep --json prints", SweepDocument),
    "limit.json": ("what harness limit --json prints", LimitDocument),
    "scaling.json": ("what harness scaling --json prints", ScalingDocument),
    "plugins.json": ("what harness plugins --json prints", PluginsDocument),
    "history.json": ("what harness history --json prints", HistoryDocument),
    "baseline.json": ("what --json of harness baseline show and promote prints", BaselineDocument),
    "baseline-diff.json": ("what harness baseline diff --json prints", BaselineDiff),
    "upload.json": ("what harness upload --json prints, however it ends", UploadDocument),
    JOURNAL: ("one line of a journal of harness upload", JournalLine),
    "suite.toml": ("experiments and what is demanded of them", Suite),
    "corpus.toml": ("the pinned binaries", CorpusManifest),
}
