"""One judgement, from the measurement to the exit code: what was judged, and what came of it.

Gates return checks, the decision is made over them, and report.json is the checks as they are.
Keys are never renamed or given another meaning without a new `harness.stats.verdict.SCHEMA`. Sizes
are exact bytes and durations seconds. A number that is not known, or not finite, is null.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct, field

from harness.errors import ExitCode
from harness.stats.growth import LineChange


class Outcome(StrEnum):
    """What came of a check, a gate or the whole verdict, the gravest first.

    A comparison with a baseline is `REGRESSED`, `IMPROVED` or `CLEAN` where a bound is broken or
    kept. `NOT_ASKED` is a check that nothing put to the test: it neither passes nor fails.
    """

    INVALID = "invalid"
    FAIL = "fail"
    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"
    PASS = "pass"  # noqa: S105  no password
    CLEAN = "clean"
    IMPROVED = "improved"
    NOT_ASKED = "not asked"

    @property
    def rank(self) -> int:
        """The place in the order, 0 for the gravest."""
        return list(Outcome).index(self)

    @property
    def decision(self) -> Outcome:
        """What it means for the job: a regression is a failure; clean and improved are passes."""
        if self is Outcome.REGRESSED:
            return Outcome.FAIL
        return Outcome.PASS if self.passes else self

    @property
    def passes(self) -> bool:
        """Whether it was judged and found good."""
        return self in {Outcome.PASS, Outcome.CLEAN, Outcome.IMPROVED}

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command whose verdict this is."""
        if self.decision is Outcome.FAIL:
            return ExitCode.GATE_FAILED
        return ExitCode.OK if self.passes else ExitCode.INVALID


def gravest(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the gravest of several outcomes as a decision; `NOT_ASKED` when there are none."""
    worst = min(outcomes, key=lambda outcome: outcome.rank, default=Outcome.NOT_ASKED)
    return worst.decision


class Link(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a reader finds more about an experiment."""

    text: str
    link: str


class Case(Struct, frozen=True, kw_only=True, order=True):
    """One experiment over one binary."""

    experiment: str
    binary: str
    source: str
    arm: str

    def __str__(self) -> str:
        return f"{self.experiment} ({self.binary}, {self.source}, {self.arm})"


class Check(Struct, frozen=True, kw_only=True):
    """What every check has. `gate` says whether it can fail the job."""

    outcome: Outcome
    gate: bool = False
    repeat_command: str = ""

    @property
    def counts(self) -> bool:
        """Whether it bears on the decision: what is invalid always does."""
        tested = self.gate and self.outcome is not Outcome.NOT_ASKED
        return tested or self.outcome is Outcome.INVALID

    @property
    def summary(self) -> str:
        """What was judged and what came of it, in one line."""
        raise NotImplementedError


class Precondition(Check, frozen=True, kw_only=True):
    """Whether some data can be judged at all; `reason` says why not, empty when it can.

    It fails no job by itself and passes none: what does not hold makes the verdict invalid.
    """

    outcome: Outcome = Outcome.INVALID
    gate: bool = True
    what: str
    reason: str = ""

    @property
    def counts(self) -> bool:
        """Whether it does not hold."""
        return self.outcome is Outcome.INVALID

    @property
    def summary(self) -> str:
        """What does not hold, and why."""
        return f"{self.what}: {self.reason}"


class Comparison(Check, frozen=True, kw_only=True):
    """How one metric of one case changed from baseline to candidate.

    `goal` is the direction that is better, `less` or `more`. `low_pct` and `high_pct` are the ends
    of the 90 % interval; `exact` changes are arithmetic and have no p-value. `varies_pct` is the
    larger coefficient of variation of the two sides. `detectable_pct` and `replicates_needed` are
    given when it is inconclusive and the noise is known. `faults` are why it is invalid; `remarks`
    what a reader should know besides. Of a peak that regressed, `lines` are those that hold more.
    """

    outcome: Outcome = field(name="state")
    case: Case
    metric: str
    unit: str
    goal: str
    tolerance_pct: float
    erratic: bool
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
    lines: list[LineChange] = []

    @property
    def summary(self) -> str:
        """The case, the metric and how it changed."""
        if self.faults:
            return f"{self.case}: {self.metric} cannot be compared: {'; '.join(self.faults)}"
        change = "" if self.delta_pct is None else f" ({self.delta_pct:+.2f} %)"
        return f"{self.case}: {self.metric} {self.outcome}{change}"


class BoundCheck(Check, frozen=True, kw_only=True):
    """How one series of one case keeps to one bound, in every replicate.

    `judged_by` is the gate that looked: `bounds`, `slope`, `copies`, `overshoot` or another one.
    At least one of `upper_bound` and `lower_bound` is set, unless it is invalid. `observed` is
    the value nearest to the bound or furthest beyond it; `headroom_pct` the room between them in
    per cent of the bound, negative beyond. `margin_pct` is that of a ratcheted bound. `detail`
    says why it is invalid, or what bears on a failure.
    """

    case: Case
    check: str
    judged_by: str
    series: str
    unit: str
    upper_bound: float | None = None
    lower_bound: float | None = None
    observed: float | None = None
    headroom_pct: float | None = None
    replicates_passed: int = 0
    replicates: int = 0
    margin_pct: float | None = None
    detail: str = ""
    links: list[Link] = []

    @property
    def summary(self) -> str:
        """The case, the check and how it was kept."""
        said: str = self.outcome
        if self.outcome is Outcome.FAIL:
            said = f"{self.replicates_passed}/{self.replicates} replicates within its bound"
        elif self.outcome is Outcome.INCONCLUSIVE:
            said = f"inconclusive: {self.detail}"
        elif self.outcome is Outcome.INVALID:
            said = f"cannot be checked: {self.detail}"
        return f"{self.case}: {self.check}: {said}"
