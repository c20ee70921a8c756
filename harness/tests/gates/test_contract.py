"""The contract of every registered gate: total over outcomes, and a worse input passes no more."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import registry
from harness.contracts import Gate
from harness.gates.decision import ask, decide, summarise
from harness.gates.evidence import Evidence
from harness.stats.check import Check, Outcome
from harness.stats.frames import Frames
from harness.tests.gates.made import BINARIES, evidence, run

GATES: dict[str, Gate] = {name: registry.load("gate", name) for name in registry.names("gate")}
MANY = settings(max_examples=20, deadline=None)
FEW = settings(max_examples=8, deadline=None)
RANK = [Outcome.PASS, Outcome.NOT_ASKED, Outcome.INCONCLUSIVE, Outcome.FAIL, Outcome.INVALID]

VALUES = st.one_of(
    st.none(), st.just(float("nan")), st.just(float("inf")), st.floats(-1e9, 1e12), st.just(0.0)
)
SIZES = st.integers(-(2**40), 2**40)
STATUSES = st.sampled_from(["ok", "crashed", "oom", "timeout", "damaged", "mismatch", "rejected"])
NAMES = st.sampled_from([*BINARIES, "unknown.so", "|`<b>\x1b[31m"])
ARMS = st.sampled_from(["legacy", "streaming", "", "another"])


@st.composite
def any_run(draw: st.DrawFn) -> Frames:
    """Return a run with rows lost, doubled and changed at will, and any state."""

    def change(rows: dict[str, list[dict[str, Any]]]) -> None:
        for table, found in rows.items():
            kept = draw(st.lists(st.sampled_from(found), max_size=2 * len(found)))
            rows[table] = [{**row, **draw(_changes(table))} for row in kept]

    state = draw(st.sampled_from(["complete", "interrupted", "running", ""]))
    options = draw(st.sampled_from([{}, {"pipeline_options": {"encoder": "json"}, "top_up": 3}]))
    manifest = {"state": state, "options": options, "rig_fingerprint": draw(st.sampled_from("ab"))}
    return run(change, manifest=manifest, run_id=draw(st.sampled_from(["r1", "r2", ""])))


def _changes(table: str) -> st.SearchStrategy[dict[str, Any]]:
    common = {"binary": NAMES, "arm": ARMS, "replicate": st.integers(0, 3)}
    own: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "samples": {
            "value": VALUES,
            "status": STATUSES,
            "unit": st.sampled_from(["byte", "count", ""]),
            "metric": st.sampled_from(["heap_peak_memray", "wall", ""]),
        },
        "batches": {
            "overshoot_bytes": SIZES,
            "payload_bytes": SIZES,
            "threshold_bytes": SIZES,
            "final": st.booleans(),
        },
        "copies": {
            "bytes": SIZES,
            "copies": st.floats(0, 10),
            "stage": st.sampled_from(["JSON", "gzip"]),
        },
        "deliveries": {
            "status": STATUSES,
            "digest": st.sampled_from(["d1", "d2", ""]),
            "functions": st.integers(0, 9),
        },
    }
    return st.fixed_dictionaries({}, optional={**common, **own[table]})


@given(candidate=any_run(), baseline=any_run())
@MANY
def test_whatever_was_measured_every_gate_says_something_and_none_raises(
    candidate: Frames, baseline: Frames
) -> None:
    given_to_all = evidence(candidate, baseline)
    for name, gate in GATES.items():
        found = gate(given_to_all)
        assert found, name
        for check in found:
            read_back = msgspec.json.decode(msgspec.json.encode(check), type=type(check))
            assert read_back == check, name


@given(candidate=any_run())
@MANY
def test_only_a_run_like_the_baseline_in_every_row_could_pass(candidate: Frames) -> None:
    """What any_run changes is either nothing that counts, or the decision is no pass."""
    decision, reasons = decide(ask(GATES, evidence(candidate)))
    assert (decision is Outcome.PASS) == (not reasons)
    if decision is Outcome.PASS:
        assert sorted(candidate.samples["value"]) == sorted(run().samples["value"])


def test_a_run_that_nothing_is_wrong_with_passes_every_gate() -> None:
    found = ask(GATES, evidence())
    assert {row.name: row.outcome for row in summarise(found)} == dict.fromkeys(GATES, Outcome.PASS)
    assert decide(found) == (Outcome.PASS, [])


def outcomes(candidate: Frames) -> dict[str, Outcome]:
    """Return what each gate makes of a run, as the verdict has it."""
    return {row.name: row.outcome for row in summarise(ask(GATES, evidence(candidate)))}


def assert_no_better(worse: Frames, better: Frames) -> None:
    after, before = outcomes(worse), outcomes(better)
    assert [name for name in GATES if RANK.index(after[name]) < RANK.index(before[name])] == []


@given(factors=st.lists(st.floats(1.0, 8.0), min_size=2, max_size=2))
@FEW
def test_larger_peaks_never_pass_more(factors: list[float]) -> None:
    assert_no_better(run(factor=max(factors)), run(factor=min(factors)))


@given(
    past=st.lists(st.integers(0, 2**20), min_size=2, max_size=2),
    copies=st.lists(st.floats(0.6, 5), min_size=2, max_size=2),
)
@FEW
def test_more_overshoot_and_more_copies_never_pass_more(
    past: list[int], copies: list[float]
) -> None:
    assert_no_better(run(_spoilt(max(past), max(copies))), run(_spoilt(min(past), min(copies))))


def _spoilt(past: int, copies: float) -> Any:
    def change(rows: dict[str, list[dict[str, Any]]]) -> None:
        for row in rows["batches"]:
            if not row["final"]:
                row["overshoot_bytes"] = past
                row["payload_bytes"] = row["threshold_bytes"] + past
        for row in rows["copies"]:
            row.update(copies=copies, stage="JSON")

    return change


@given(data=st.data())
@FEW
def test_what_is_lost_never_turns_anything_into_a_pass(data: st.DataObject) -> None:
    """Rows of any table are taken away, from a run that passes and from one that fails."""
    factor = data.draw(st.sampled_from([1.0, 4.5]))

    def lose(rows: dict[str, list[dict[str, Any]]]) -> None:
        for table, found in rows.items():
            rows[table] = found[data.draw(st.integers(0, len(found)), label=table) :]

    assert_no_better(run(lose, factor=factor), run(factor=factor))


def test_a_gate_that_raises_is_no_pass() -> None:
    def broken(evidence: Evidence) -> list[Check]:  # noqa: ARG001  a gate's shape
        raise ZeroDivisionError("oops")

    decision, reasons = decide(ask({**GATES, "mine": broken}, evidence()))
    assert decision is Outcome.INVALID
    assert any("mine" in reason and "oops" in reason for reason in reasons)
