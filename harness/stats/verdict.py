"""The documents that hold checks: report.json, and what `compare` and `baseline diff` print."""

from __future__ import annotations

from msgspec import Struct, field

from harness.stats.check import BoundCheck, Comparison, Outcome, Precondition

SCHEMA = 1


class Side(Struct, frozen=True, kw_only=True):
    """One side of a comparison.

    `kind` is `run`, or `promoted` for a baseline that was promoted. `commit` is that of the
    checkout which measured it, empty when it was none. `arm` is set where two arms of one run are
    compared.
    """

    kind: str
    run_id: str
    commit: str = ""
    arm: str = ""


class FileChange(Struct, frozen=True, kw_only=True):
    """One file that is not as it was in the ancestor.

    `change` is `added`, `removed`, `grown`, `shrunk`, `mode` or `content`; a size or mode that
    does not exist is null.
    """

    path: str
    change: str
    before_bytes: int | None = None
    after_bytes: int | None = None
    before_mode: str | None = None
    after_mode: str | None = None


class FileChanges(Struct, frozen=True, kw_only=True):
    """The files of corpus and results against the ancestor; `note` says why not checked."""

    checked: bool
    changed: bool = False
    rows: list[FileChange] = []
    note: str = ""


class GateSummary(Struct, frozen=True, kw_only=True):
    """One gate. `gate` says whether it has anything to judge that can fail the job."""

    name: str
    gate: bool
    outcome: Outcome = field(name="state")
    detail: str
    repeat_command: str = ""


class Verdict(Struct, frozen=True, kw_only=True):
    """The whole of report.json. `decision` is never `not asked`; `reasons` say why no pass.

    `baseline` is null when there is none to compare with. `faults` are preconditions that do not
    hold.
    """

    schema: int = SCHEMA
    decision: Outcome
    exit_code: int
    reasons: list[str]
    suite: str
    run_id: str
    baseline: Side | None
    candidate: Side
    inventory: FileChanges
    experiments: list[Comparison]
    bounds: list[BoundCheck]
    faults: list[Precondition]
    gates: list[GateSummary]
    command: str = ""


class ComparisonDocument(Struct, frozen=True, kw_only=True):
    """What `harness compare --json` prints: comparisons without bounds and gates."""

    schema: int = SCHEMA
    exit_code: int
    reasons: list[str]
    baseline: Side
    candidate: Side
    inventory: FileChanges
    experiments: list[Comparison]


class BaselineDiff(Struct, frozen=True, kw_only=True):
    """What `harness baseline diff --json` prints: may a run be promoted, and what would change."""

    schema: int = SCHEMA
    promotable: bool
    objections: list[str]
    comparison: ComparisonDocument
