"""A verdict with every kind of row in it, and names that would like to act."""

from __future__ import annotations

from harness.stats.check import BoundCheck, Case, Comparison, Link, Outcome, Precondition
from harness.stats.verdict import FileChange, FileChanges, GateSummary, Side, Verdict

HOSTILE = "\x1b[31mev|il`$x$<script>]]>&amp;\u202e\n# head"
REPEAT = "python -m harness run a.so --source replay"


def case(binary: str = "a.so", experiment: str = "quality_gate") -> Case:
    return Case(experiment=experiment, binary=binary, source="replay", arm="streaming")


def row(outcome: Outcome, delta_pct: float | None, **changes: object) -> Comparison:
    made = {
        "case": case(),
        "metric": "heap_peak_memray",
        "unit": "byte",
        "goal": "less",
        "tolerance_pct": 5.0,
        "erratic": False,
        "gate": True,
        "outcome": outcome,
        "delta_pct": delta_pct,
        "low_pct": delta_pct,
        "high_pct": delta_pct,
        "exact": delta_pct is not None,
        "baseline_mean": 1000.0,
        "candidate_mean": 1000.0,
        "baseline_replicates": 2,
        "candidate_replicates": 2,
        "repeat_command": REPEAT,
        **changes,
    }
    return Comparison(**made)  # type: ignore[arg-type]


def bound(outcome: Outcome, observed: float | None, **changes: object) -> BoundCheck:
    made = {
        "case": case(),
        "check": "overshoot",
        "judged_by": "overshoot",
        "series": "overshoot",
        "unit": "byte",
        "gate": True,
        "outcome": outcome,
        "upper_bound": 32768.0,
        "observed": observed,
        "headroom_pct": None if observed is None else 100 * (32768 - observed) / 32768,
        "replicates_passed": 2 if outcome is Outcome.PASS else 0,
        "replicates": 2,
        "repeat_command": REPEAT,
        **changes,
    }
    return BoundCheck(**made)  # type: ignore[arg-type]


def verdict(decision: Outcome = Outcome.INVALID) -> Verdict:
    """Return a verdict that has one of everything."""
    noisy = {"metric": "wall", "unit": "second", "exact": False, "gate": False}
    return Verdict(
        decision=decision,
        exit_code=4,
        reasons=[f"{HOSTILE}: not measured", "and 3 more that cannot be judged"],
        suite=f"ci {HOSTILE}",
        run_id="r2",
        baseline=Side(kind="promoted", run_id="r1", commit="abc|def"),
        candidate=Side(kind="run", run_id="r2", commit=HOSTILE),
        inventory=FileChanges(
            checked=True,
            changed=True,
            rows=[
                FileChange(path=f"corpus/{HOSTILE}", change="removed", before_bytes=12),
                FileChange(
                    path="results/records.jsonl", change="shrunk", before_bytes=1000, after_bytes=0
                ),
                FileChange(path="corpus/new.so", change="grown", before_bytes=0, after_bytes=9),
            ],
        ),
        experiments=[
            row(Outcome.REGRESSED, 12.5, links=[Link(text="why | how", link="https://e.org/a")]),
            row(Outcome.IMPROVED, -61.25, case=case("b.so")),
            row(Outcome.CLEAN, 0.0, case=case("c.so"), remarks=["one replicate: a|b"]),
            row(Outcome.INVALID, None, case=case(HOSTILE), faults=["candidate: not measured"]),
            row(
                Outcome.INCONCLUSIVE, 3.0, low_pct=-2.0, high_pct=8.0, detectable_pct=9.5,
                q_value=0.4, permutation_p=0.25,
                replicates_needed=24, candidate_replicates=3, **noisy,
            ),
            row(Outcome.CLEAN, 1.0, low_pct=0.5, high_pct=1.5, erratic=True, **noisy),
            row(Outcome.REGRESSED, None, exact=True, baseline_mean=0.0, case=case("zero.so")),
        ],
        bounds=[
            bound(Outcome.PASS, 1024.0),
            bound(Outcome.FAIL, 65536.0, case=case("b.so"), detail=f"batch 3 {HOSTILE}"),
            bound(Outcome.NOT_ASKED, None, case=case("c.so"), detail="no batch reached it"),
            bound(Outcome.INVALID, None, case=case(HOSTILE), detail="nobody checked"),
            bound(
                Outcome.INCONCLUSIVE, 20.0, check="slope", judged_by="slope", unit="byte",
                upper_bound=64.0, headroom_pct=68.75, detail="90 % interval -10.0 to +80.0",
            ),
            bound(
                Outcome.FAIL, 12.4, check="reduction", judged_by="bounds", unit="%", gate=False,
                upper_bound=None, lower_bound=61.0, headroom_pct=-79.7,
            ),
        ],
        faults=[
            Precondition(
                what=f"candidate: {HOSTILE}", reason="not measured", repeat_command=REPEAT
            )
        ],
        gates=[
            GateSummary(name="inventory", gate=True, outcome=Outcome.INVALID, detail=HOSTILE),
            GateSummary(name="slope", gate=False, outcome=Outcome.NOT_ASKED, detail="asks nothing"),
        ],
        command="python -m harness gate RUN",
    )  # fmt: skip
