"""The decision: what fails, what is no verdict, and that nothing measured is no pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from harness import judging, registry
from harness.gates.decision import ask, decide, summarise
from harness.gates.evidence import Evidence
from harness.gates.ratchet import ratchet
from harness.gates.suite import Experiment
from harness.records import Manifest
from harness.stats.check import BoundCheck, Comparison, Outcome
from harness.stats.frames import Frames
from harness.store import RunWriter
from harness.tests.gates.made import BINARIES, SHA, evidence, rows_where, run, suite
from harness.tests.store.records import a_record

GATES = {name: registry.load("gate", name) for name in registry.names("gate")}
Rows = dict[str, list[dict[str, Any]]]


def judged(given: Evidence) -> tuple[Outcome, list[str]]:
    return decide(ask(GATES, given))


def lost(table: str, **wanted: Any) -> Callable[[Rows], None]:
    """Return a change that takes away every row of a table that has these values."""

    def change(rows: Rows) -> None:
        gone = rows_where(rows[table], **wanted)
        assert gone
        rows[table] = [row for row in rows[table] if row not in gone]

    return change


def changed(table: str, to: dict[str, Any], **wanted: Any) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        for row in rows_where(rows[table], **wanted):
            row.update(to)

    return change


INPUTS = dict.fromkeys(BINARIES, SHA)
CASE = {"binary": "b.so", "arm": "streaming"}
FIRST = {**CASE, "replicate": 0}


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        pytest.param(Frames.build, "nothing was measured", id="nothing measured"),
        pytest.param(lambda: run(lost("samples", arm="legacy")), "not measured", id="no arm"),
        pytest.param(lambda: run(lost("samples", binary="b.so")), "not measured", id="no binary"),
        pytest.param(lambda: run(lost("samples", **FIRST)), "1 valid replicates of 2", id="lost"),
        pytest.param(lambda: run(changed("samples", {"value": float("nan")}, **FIRST)),
                     "1 valid replicates of 2", id="NaN"),
        pytest.param(lambda: run(changed("samples", {"status": "oom", "value": None}, **FIRST)),
                     "1 replicate failed", id="out of memory"),
        pytest.param(lambda: run(changed("samples", {"value": -1.0}, **FIRST)),
                     "a negative value", id="negative"),
        pytest.param(lambda: run(changed("samples", {"replicate": 1}, **FIRST)),
                     "there twice", id="one replicate twice"),
        pytest.param(lambda: run(changed("samples", {"binary_sha256": "cd"}, **CASE)),
                     "not the binary that the corpus names", id="another binary"),
        pytest.param(lambda: run(changed("deliveries", {"digest": "d2"}, **CASE)),
                     "different scopes were delivered", id="other scopes"),
        pytest.param(lambda: run(lost("deliveries", **CASE)), "nobody checked", id="unchecked"),
        pytest.param(lambda: run(lost("batches", **FIRST)), "1 of 2 replicates", id="no batches"),
        pytest.param(lambda: run(lost("batches", **CASE, final=True)),
                     "batches are missing", id="a batch lost"),
        pytest.param(lambda: run(changed("batches", {"overshoot_bytes": 0}, **FIRST)),
                     "not payload minus threshold", id="impossible overshoot"),
        pytest.param(lambda: run(lost("copies", **FIRST)), "1 peaks of 2", id="no attribution"),
        pytest.param(lambda: run(changed("copies", {"bytes": 1.0}, **FIRST)),
                     "does not add up", id="attribution lost something"),
        pytest.param(lambda: run(manifest={"state": "interrupted"}),
                     "did not reach its end", id="interrupted"),
        pytest.param(lambda: run(manifest={"rig_fingerprint": "another"}),
                     "different or unknown rigs", id="another machine"),
        pytest.param(lambda: run(manifest={"options": {"pipeline_options": {"level": 9}}}),
                     "measured with different", id="other options"),
        pytest.param(lambda: run(changed("samples", {"value": 0.0}, **CASE)),
                     "no measurement: 2 values", id="nothing at the peak"),
        pytest.param(lambda: run(_topped_up), "no measurement: 1 value", id="one of many"),
        pytest.param(lambda: run(changed("samples", {"run_id": "r9"}, **FIRST)),
                     "rows of another run: r9", id="rows of another run"),
        pytest.param(lambda: run(changed("deliveries", {"scopes": 0})),
                     "nothing was delivered", id="no scopes"),
        pytest.param(lambda: run(_failed_unsaid), "1 replicate failed of which", id="unsaid"),
        pytest.param(lambda: run(manifest={"kind": "sweep"}), "it is a sweep", id="sweep"),
        pytest.param(lambda: run(run_id="r1"), "compared with itself", id="the same run"),
    ],
)  # fmt: skip
def test_what_is_missing_partial_or_mismatched_is_no_verdict(
    candidate: Callable[[], Frames], reason: str
) -> None:
    decision, reasons = judged(evidence(candidate()))
    assert decision is Outcome.INVALID
    assert decision.exit_code == 4
    assert any(reason in said for said in reasons), reasons
    assert not any("regressed" in said for said in reasons)


def _failed_unsaid(rows: Rows) -> None:
    (first, *_) = rows_where(rows["samples"], **FIRST)
    rows["failures"] = [{**first, "status": "crashed", "detail": "signal 11"}]


def _topped_up(rows: Rows) -> None:
    """Three replicates where two were planned, one of them without a number."""
    more = [{**row, "replicate": 2} for row in rows_where(rows["samples"], **FIRST)]
    rows["samples"] += [{**row, "value": None} for row in more]


@pytest.mark.parametrize(
    ("candidate", "gate"),
    [
        pytest.param(lambda: run(factor=1.05), "regression", id="5 % more"),
        pytest.param(lambda: run(factor=2.5), "bounds", id="beyond the bounds"),
        pytest.param(lambda: run(_with_copies), "copies", id="a whole copy"),
        pytest.param(lambda: run(_far_past), "overshoot", id="overshoot"),
        pytest.param(lambda: run(_growing), "slope", id="growing with the input"),
    ],
)
def test_what_guards_the_job_fails_it(candidate: Callable[[], Frames], gate: str) -> None:
    found = ask(GATES, evidence(candidate()))
    decision, reasons = decide(found)
    assert decision is Outcome.FAIL, reasons
    row = next(row for row in summarise(found) if row.name == gate)
    assert row.outcome is Outcome.FAIL
    assert "harness run" in row.repeat_command


def _with_copies(rows: Rows) -> None:
    for row in rows_where(rows["copies"], arm="streaming"):
        row.update(stage="JSON", copies=1.0)


def _far_past(rows: Rows) -> None:
    for row in rows_where(rows["batches"], **FIRST, final=False):
        row.update(overshoot_bytes=40_000, payload_bytes=row["threshold_bytes"] + 40_000)


def _growing(rows: Rows) -> None:
    for row in rows_where(rows["samples"], arm="streaming") + rows_where(
        rows["copies"], arm="streaming"
    ):
        key = "value" if "value" in row else "bytes"
        row[key] = float(row[key] + 200 * BINARIES[row["binary"]])


@pytest.mark.parametrize(
    ("peaks", "outcome"),
    [
        pytest.param((1_000_000, 1_002_000, 1_010_000), Outcome.PASS, id="far below the bound"),
        pytest.param((1_000_000, 1_180_000, 1_300_000), Outcome.INCONCLUSIVE, id="but for one"),
    ],
)
def test_a_slope_that_rests_on_one_binary_decides_nothing(
    peaks: tuple[int, ...], outcome: Outcome
) -> None:
    def change(rows: Rows) -> None:
        for row in rows_where(rows["samples"], arm="streaming"):
            row["value"] = float(peaks[list(BINARIES).index(row["binary"])])

    (found,) = ask(GATES, evidence(run(change), slope={"upper_bound": 150}))["slope"]
    assert isinstance(found, BoundCheck)
    assert found.outcome is outcome
    assert ("it rests on c.so alone" in found.detail) == (outcome is not Outcome.PASS)


@pytest.mark.parametrize(("count", "rest"), [(25, []), (27, ["and 2 more: failed"])])
def test_of_many_reasons_the_first_are_told_and_how_many_more_there_are(
    count: int, rest: list[str]
) -> None:
    (check, *_) = ask(GATES, evidence(run(factor=2.5)))["bounds"]
    assert check.outcome is Outcome.FAIL
    decision, reasons = decide({"bounds": [check] * count})
    assert decision is Outcome.FAIL
    assert reasons == [check.summary] * 25 + rest


@pytest.mark.parametrize("is_traced", [True, False])
def test_a_reduction_says_what_the_candidate_holds_where_it_was_traced(is_traced: bool) -> None:
    made = run() if is_traced else run(lambda rows: rows["copies"].clear())
    checks = ask(GATES, evidence(made, copies=None))["bounds"]
    told = [one.detail for one in checks if isinstance(one, BoundCheck) and one.unit == "%"]
    held = ["at its peak streaming holds scope tree 976.6 KiB" in one for one in told]
    assert held == [is_traced] * len(BINARIES)


def test_what_guards_nothing_fails_nothing() -> None:
    """And then nothing guards the job, which is no pass either."""
    decision, reasons = judged(_unguarded())
    assert decision is Outcome.INVALID
    assert reasons == ["nothing that guards the job was judged"]


def _unguarded() -> Evidence:
    whole = evidence(run(factor=2.5))
    experiments = [one.model_copy(update={"gate": False}) for one in whole.suite.experiments]
    unguarded = whole.suite.model_copy(update={"experiments": tuple(experiments)})
    return Evidence(unguarded, whole.inputs, whole.candidate, whole.baseline)


def test_invalid_outranks_failed_and_both_are_told() -> None:
    decision, reasons = judged(evidence(run(lost("samples", binary="a.so"), factor=2.5)))
    assert decision is Outcome.INVALID
    assert any("not measured" in reason for reason in reasons)
    assert any("regressed" in reason for reason in reasons)


def test_noise_where_a_verdict_was_asked_for_is_inconclusive() -> None:
    def noisy(rows: Rows) -> None:
        for row in rows_where(rows["samples"], **CASE) + rows_where(rows["copies"], **CASE):
            key = "value" if "value" in row else "bytes"
            row[key] *= 1 + 0.2 * row["replicate"]

    decision, reasons = judged(evidence(run(noisy)))
    assert decision is Outcome.INCONCLUSIVE
    assert decision.exit_code == 4
    assert any("inconclusive" in reason for reason in reasons)


def asked(**suite: Any) -> Evidence:
    """Return what gates look at, of a suite that says this."""
    whole = evidence()
    return structs.replace(whole, suite=whole.suite.model_copy(update=suite))


def _final(**wanted: Any) -> Frames:
    return run(changed("batches", {"final": True}, **wanted))


@pytest.mark.parametrize(
    ("given", "decision"),
    [
        pytest.param(lambda: structs.replace(asked(needs_baseline=False), baseline=None),
                     Outcome.PASS, id="bounds alone, where no baseline is needed"),
        pytest.param(lambda: evidence(run(factor=1.3), erratic=True), Outcome.PASS,
                     id="an erratic experiment that is worse"),
        pytest.param(lambda: evidence(run(factor=2.5), erratic=True), Outcome.FAIL,
                     id="an erratic experiment beyond its bounds"),
        pytest.param(lambda: evidence(tolerance=0), Outcome.PASS, id="equal, without a tolerance"),
        pytest.param(lambda: evidence(run(factor=1.000001), tolerance=0), Outcome.FAIL,
                     id="a byte more, without a tolerance"),
        pytest.param(lambda: evidence(_final(**CASE)), Outcome.PASS, id="overshoot of one case"),
    ],
)  # fmt: skip
def test_what_a_suite_says_decides(given: Callable[[], Evidence], decision: Outcome) -> None:
    assert judged(given())[0] is decision


def test_an_erratic_experiment_that_is_worse_has_not_regressed() -> None:
    found = ask(GATES, evidence(run(factor=1.3), erratic=True))["regression"]
    assert {check.outcome for check in found} == {Outcome.INCONCLUSIVE}


def _twice(one: Experiment) -> tuple[Experiment, Experiment]:
    return one, one.model_copy(update={"name": "again", "checks": ()})


PAST = [{"name": "past", "bounds": {"series": "overshoot", "upper_bound": 1}}]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param(lambda: structs.replace(evidence(), baseline=None), "promote",
                     id="no baseline"),
        pytest.param(lambda: evidence(binary=["a.so", "b.so", "c.so", "z*"]),
                     "no binary is called z*", id="a pattern that fits none"),
        pytest.param(lambda: evidence(_final()), "no case put it to the test",
                     id="a bound of overshoot that no batch came near"),
        pytest.param(lambda: evidence(_final(), checks=PAST, overshoot=None),
                     "no case put it to the test", id="a check that no batch came near"),
        pytest.param(lambda: asked(experiments=_twice(*suite().experiments)), "both ask for it",
                     id="two experiments that ask for one comparison"),
        pytest.param(lambda: structs.replace(evidence(), inputs={**INPUTS, "d.so": SHA}), "d.so",
                     id="a binary of the corpus that was not measured"),
    ],
)  # fmt: skip
def test_what_a_suite_asks_and_does_not_get_is_no_verdict(
    given: Callable[[], Evidence], reason: str
) -> None:
    decision, reasons = judged(given())
    assert decision is Outcome.INVALID
    assert any(reason in said for said in reasons), reasons


def test_patterns_choose_binaries() -> None:
    found = ask(GATES, evidence(binary="[ab].so", slope=None))["regression"]
    assert [type(check) for check in found] == [Comparison] * 2


RATCHETED = [{"name": "peak", "bounds": {"series": "heap_peak"}}]


@pytest.mark.parametrize(
    ("bound", "outcome", "says"),
    [
        pytest.param(None, Outcome.INVALID, "baseline ratchet", id="none yet"),
        pytest.param({"upper_bound": 1_100_000}, Outcome.PASS, "", id="kept"),
        pytest.param({"upper_bound": 900_000}, Outcome.FAIL, "", id="broken"),
        pytest.param(
            {"environment": {"python": "2.7"}}, Outcome.INVALID, "python 2.7", id="from elsewhere"
        ),
        pytest.param({"suite": "other"}, Outcome.INVALID, "suite other", id="another suite's"),
    ],
)
def test_a_check_without_a_bound_takes_the_ratcheted_one(
    bound: dict[str, Any] | None, outcome: Outcome, says: str
) -> None:
    whole = evidence(checks=RATCHETED)
    _, (ratcheted,) = ratchet(whole)
    bounds = [] if bound is None else [structs.replace(ratcheted, **bound)]
    given = structs.replace(whole, bounds=bounds)
    checks: list[BoundCheck] = GATES["bounds"](given)
    assert {check.outcome for check in checks} == {outcome}
    assert all(says in check.detail for check in checks)


@pytest.mark.parametrize(("more", "points"), [((), 0), (("theirs",), 2)])
def test_timelines_are_there_for_a_gate_that_may_look_at_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], points: int
) -> None:
    with RunWriter.create(tmp_path, Manifest()) as writer:
        writer.append(a_record())
    monkeypatch.setattr(judging, "names", lambda _: [*judging.BUILT_IN, *more])
    assert len(judging.load_or_explain(writer.path).timeline) == points
