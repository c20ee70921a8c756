"""The verdict on a run as one document: report.json, and what every other output is made from.

Keys are never renamed or given another meaning without a new `SCHEMA`. Sizes are exact bytes and
durations seconds. A number that is not known, or not finite, is null; why stands beside it.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from harness.stats.compare import State

SCHEMA = 1


class Outcome(StrEnum):
    """What became of a check, a gate or the whole. Only `PASS` is a pass.

    `NOT_ASKED` is a gate that the suite gives nothing to judge: it neither passes nor fails.
    """

    PASS = "pass"  # noqa: S105  no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"
    NOT_ASKED = "not asked"


class Side(Struct, frozen=True, kw_only=True):
    """One side of a comparison.

    `kind` is `run`, `promoted` (a baseline that was promoted) or `arm` (of the candidate's own
    run). `commit` is that of the checkout which measured it, empty when it was none.
    """

    kind: str
    run_id: str
    commit: str = ""
    arm: str = ""


class Link(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a reader finds more about an experiment."""

    text: str
    link: str


class Case(Struct, frozen=True, kw_only=True, order=True):
    """One experiment over one binary: what every row is about."""

    experiment: str
    binary: str
    source: str
    arm: str


class ExperimentRow(Struct, frozen=True, kw_only=True):
    """How one metric of one case changed from baseline to candidate.

    `goal` is the direction that is better, `less` or `more`. `gate` says whether a regression
    here fails the job. `low_pct` and `high_pct` are the ends of the 90 % interval; `exact` changes
    are arithmetic and have no p-value. `varies_pct` is the larger coefficient of variation of the
    two sides. `faults` are why a row is invalid; `remarks` what a reader should know besides.
    """

    case: Case
    metric: str
    unit: str
    goal: str
    tolerance_pct: float
    erratic: bool
    gate: bool
    state: State
    delta_pct: float | None
    low_pct: float | None
    high_pct: float | None
    exact: bool
    baseline_mean: float | None
    candidate_mean: float | None
    baseline_replicates: int
    candidate_replicates: int
    varies_pct: float | None = None
    p_value: float | None = None
    permutation_p: float | None = None
    q_value: float | None = None
    detectable_pct: float | None = None
    replicates_needed: int | None = None
    faults: list[str] = []
    remarks: list[str] = []
    links: list[Link] = []
    repeat_command: str = ""


class BoundRow(Struct, frozen=True, kw_only=True):
    """How one series of one case keeps to one bound, in every replicate.

    `judged_by` is the gate that looked: `bounds`, `slope`, `copies`, `overshoot` or another one.
    Exactly one of `upper_bound` and `lower_bound` is set, unless the row is invalid. `observed` is
    the value nearest to the bound or furthest beyond it; `headroom_pct` the room between them in
    per cent of the bound, negative beyond. `margin_pct` is that of a ratcheted bound. `detail`
    says why a row is invalid, or what bears on a failure.
    """

    case: Case
    check: str
    judged_by: str
    series: str
    unit: str
    gate: bool
    outcome: Outcome
    upper_bound: float | None = None
    lower_bound: float | None = None
    observed: float | None = None
    headroom_pct: float | None = None
    replicates_passed: int = 0
    replicates: int = 0
    margin_pct: float | None = None
    detail: str = ""
    links: list[Link] = []
    repeat_command: str = ""


class Fault(Struct, frozen=True, kw_only=True):
    """Something that keeps a verdict from being given: missing, partial or mismatched data."""

    what: str
    reason: str
    repeat_command: str = ""


class Findings(Struct, frozen=True, kw_only=True):
    """What one gate has to say. `checked` counts what it looked at that gives no row of its own.

    Nothing at all means that the suite asked it nothing.
    """

    experiments: list[ExperimentRow] = []
    bounds: list[BoundRow] = []
    faults: list[Fault] = []
    checked: int = 0


class InventoryRow(Struct, frozen=True, kw_only=True):
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


class Inventory(Struct, frozen=True, kw_only=True):
    """The files of corpus and results against the ancestor; `note` says why not checked."""

    checked: bool
    changed: bool = False
    rows: list[InventoryRow] = []
    note: str = ""


class GateRow(Struct, frozen=True, kw_only=True):
    """One gate. `gate` says whether it has anything to judge that can fail the job."""

    name: str
    gate: bool
    state: Outcome
    detail: str
    repeat_command: str = ""


class Verdict(Struct, frozen=True, kw_only=True):
    """The whole of report.json. `decision` is never `not asked`; `reasons` say why no pass.

    `baseline` is null when there is none to compare with. `faults` are of the data as a whole.
    """

    schema: int = SCHEMA
    decision: Outcome
    exit_code: int
    reasons: list[str]
    suite: str
    run_id: str
    baseline: Side | None
    candidate: Side
    inventory: Inventory
    experiments: list[ExperimentRow]
    bounds: list[BoundRow]
    faults: list[Fault]
    gates: list[GateRow]
    command: str = ""


class ComparisonDocument(Struct, frozen=True, kw_only=True):
    """What `harness compare --json` prints: the rows without bounds and gates."""

    schema: int = SCHEMA
    exit_code: int
    reasons: list[str]
    baseline: Side
    candidate: Side
    inventory: Inventory
    experiments: list[ExperimentRow]


class BaselineDiff(Struct, frozen=True, kw_only=True):
    """What `harness baseline diff --json` prints: may a run be promoted, and what would change."""

    schema: int = SCHEMA
    promotable: bool
    objections: list[str]
    comparison: ComparisonDocument
