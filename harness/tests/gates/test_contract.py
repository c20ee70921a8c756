"""The contract of every registered gate: total over outcomes, and a worse input passes no more."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from harness import registry
from harness.contracts import Gate
from harness.gates.decision import ask, decide, summarise
from harness.judging import BUILT_IN
from harness.stats.check import Outcome
from harness.stats.frames import Frames
from harness.tests.gates.made import BINARIES, LEGACY, STREAMING, evidence, run

# Every example asks all gates of two runs.
FEW = settings(max_examples=1 + settings().max_examples // 3)
GATES: dict[str, Gate] = {name: registry.load("gate", name) for name in registry.names("gate")}
RANK = [Outcome.PASS, Outcome.NOT_ASKED, Outcome.INCONCLUSIVE, Outcome.FAIL, Outcome.INVALID]

Rows = dict[str, list[dict[str, Any]]]
TABLES = st.sampled_from(["samples", "batches", "copies", "deliveries"])
VALUES = st.one_of(
    st.none(), st.just(float("nan")), st.just(float("inf")), st.floats(-1e9, 1e12), st.just(0.0)
)
SIZES = st.integers(-(2**40), 2**40)
STATUSES = st.sampled_from(["ok", "crashed", "oom", "timeout", "damaged", "mismatch", "rejected"])
COMMON = {
    "binary": st.sampled_from([*BINARIES, "unknown.so", "|`<b>\x1b[31m"]),
    "arm": st.sampled_from(["legacy", "streaming", "", "another"]),
    "replicate": st.integers(0, 3),
}
OWN: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "samples": {"value": VALUES, "status": STATUSES,
                "unit": st.sampled_from(["byte", "count", ""]),
                "metric": st.sampled_from(["heap_peak", "wall", ""])},
    "batches": {"overshoot_bytes": SIZES, "payload_bytes": SIZES, "threshold_bytes": SIZES,
                "final": st.booleans()},
    "copies": {"bytes": SIZES, "copies": st.floats(0, 10),
               "stage": st.sampled_from(["JSON", "gzip"])},
    "deliveries": {"status": STATUSES, "digest": st.sampled_from(["d1", "d2", ""]),
                   "functions": st.integers(0, 9)},
}  # fmt: skip


@st.composite
def runs(draw: st.DrawFn, most: int = 2) -> Frames:
    """Return a run after a few changes: rows lost, doubled, spoilt, or whole and worse."""

    def change(rows: Rows) -> None:
        for _ in range(draw(st.integers(0, most))):
            draw(st.sampled_from(CHANGES))(draw, rows)

    return run(change, manifest=draw(st.sampled_from([*[{}] * 7, {"state": "interrupted"}])))


def _lose(draw: st.DrawFn, rows: Rows) -> None:
    found = rows[draw(TABLES)]
    if found:
        found.pop(draw(st.integers(0, len(found) - 1)))


def _double(draw: st.DrawFn, rows: Rows) -> None:
    found = rows[draw(TABLES)]
    if found:
        found.append({**draw(st.sampled_from(found))})


def _spoil(draw: st.DrawFn, rows: Rows) -> None:
    table = draw(TABLES)
    if rows[table]:
        changes = st.fixed_dictionaries({}, optional={**COMMON, **OWN[table]})
        draw(st.sampled_from(rows[table])).update(draw(changes))


def _scale(draw: st.DrawFn, rows: Rows) -> None:
    """Make peaks of one arm larger or smaller, with what was alive at them, so that they add up."""
    factor, arm = draw(st.floats(0.9, 3)), draw(st.sampled_from(["streaming", "legacy"]))
    replicates = draw(st.sampled_from([(0,), (0, 1)]))
    for table, column, kind in (("samples", "value", float), ("copies", "bytes", int)):
        for row in rows[table]:
            value = row[column]  # which an earlier change may have made anything
            mine = row["arm"] == arm and row["replicate"] in replicates
            if mine and value and math.isfinite(value):
                row[column] = kind(round(factor * value))


def _overshoot(draw: st.DrawFn, rows: Rows) -> None:
    past = draw(st.integers(0, 2**17))
    for row in rows["batches"]:
        if not row["final"]:
            row.update(overshoot_bytes=past, payload_bytes=row["threshold_bytes"] + past)


CHANGES = [_lose, _double, _spoil, _scale, _scale, _scale, _overshoot]


@FEW
@given(candidate=runs(most=9), baseline=runs(most=9))
def test_whatever_was_measured_our_gates_say_something_and_none_raises(
    candidate: Frames, baseline: Frames
) -> None:
    given_to_all = evidence(candidate, baseline)
    for name, gate in GATES.items():
        found = gate(given_to_all)
        assert found or name not in BUILT_IN, name
        for check in found:
            read_back = msgspec.json.decode(msgspec.json.encode(check), type=type(check))
            assert read_back == check, name


@pytest.mark.slow
def test_the_runs_drawn_here_lead_to_every_decision() -> None:
    """Without this the properties below might hold only because every run is damaged."""
    generate = settings(max_examples=100, deadline=None, database=None, phases=[Phase.generate])
    whole, seen = run(), set()

    def all_seen(candidate: Frames) -> bool:
        tables = ("samples", "batches", "copies", "deliveries")
        if not all(getattr(candidate, name).equals(getattr(whole, name)) for name in tables):
            seen.add(decide(ask(GATES, evidence(candidate)))[0])
        return len(seen) == 4

    find(runs(), all_seen, settings=generate, random=Random(1))


@FEW
@given(candidate=runs())
def test_a_pass_means_that_every_replicate_is_there_once_and_hardly_larger(
    candidate: Frames,
) -> None:
    decision, reasons = decide(ask(GATES, evidence(candidate)))
    assert (decision is Outcome.PASS) == (not reasons)
    if decision is Outcome.PASS:
        samples = candidate.samples
        peaks = samples[(samples["metric"] == "heap_peak") & (samples["status"] == "ok")]
        for binary in BINARIES:
            for arm, expected in (("legacy", LEGACY), ("streaming", STREAMING)):
                found = peaks[(peaks["binary"] == binary) & (peaks["arm"] == arm)]
                assert len(found) == found["replicate"].nunique() >= 2
                assert arm == "legacy" or max(found["value"]) < 1.05 * expected


def test_a_run_that_nothing_is_wrong_with_passes_every_gate_that_is_asked() -> None:
    found = ask(GATES, evidence())
    outcomes = {gate.name: gate.outcome for gate in summarise(found)}
    assert {name for name in outcomes if outcomes[name] is Outcome.PASS} >= {*BUILT_IN}
    assert {*outcomes.values()} <= {Outcome.PASS, Outcome.NOT_ASKED}
    assert decide(found) == (Outcome.PASS, [])


def ranks(candidate: Frames) -> dict[str, int]:
    """Return how bad each gate finds a run."""
    found = summarise(ask(GATES, evidence(candidate)))
    return {gate.name: RANK.index(gate.outcome) for gate in found}


@cache
def ranks_of_whole(factor: float) -> dict[str, int]:
    return ranks(run(factor=factor))


def assert_no_better(worse: Frames, before: dict[str, int]) -> None:
    """Assert that no gate ranks the worse of two runs higher."""
    after = ranks(worse)
    assert [name for name in GATES if after[name] < before[name]] == []


@FEW
@given(factors=st.lists(st.floats(1.0, 8.0), min_size=2, max_size=2))
def test_larger_peaks_never_pass_more(factors: list[float]) -> None:
    assert_no_better(run(factor=max(factors)), ranks(run(factor=min(factors))))


@FEW
@given(
    past=st.lists(st.integers(0, 2**20), min_size=2, max_size=2),
    copies=st.lists(st.floats(0.6, 5), min_size=2, max_size=2),
)
def test_more_overshoot_and_more_copies_never_pass_more(
    past: list[int], copies: list[float]
) -> None:
    assert_no_better(
        run(_spoilt(max(past), max(copies))), ranks(run(_spoilt(min(past), min(copies))))
    )


def _spoilt(past: int, copies: float) -> Any:
    def change(rows: Rows) -> None:
        for row in rows["batches"]:
            if not row["final"]:
                row.update(overshoot_bytes=past, payload_bytes=row["threshold_bytes"] + past)
        for row in rows["copies"]:
            row.update(copies=copies, stage="JSON")

    return change


@FEW
@given(data=st.data(), factor=st.sampled_from([1.0, 4.5]))
def test_what_is_lost_never_turns_anything_into_a_pass(data: st.DataObject, factor: float) -> None:
    """Rows of a table are taken away, from a run that passes and from one that fails."""

    def lose(rows: Rows) -> None:
        table = data.draw(TABLES)
        gone = data.draw(st.sets(st.integers(0, len(rows[table]) - 1), min_size=1), label=table)
        rows[table] = _without(rows[table], gone)

    assert_no_better(run(lose, factor=factor), ranks_of_whole(factor))


def _without(rows: list[dict[str, Any]], gone: Iterable[int]) -> list[dict[str, Any]]:
    return [row for place, row in enumerate(rows) if place not in set(gone)]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda _: 1 / 0, "ZeroDivisionError"),
        (lambda _: None, "'NoneType' object is not iterable"),
        (lambda _: [True], "something of type bool among its checks"),
    ],
)
def test_a_gate_that_breaks_its_contract_is_no_pass(broken: Any, said: str) -> None:
    decision, reasons = decide(ask({**GATES, "mine": broken}, evidence()))
    assert decision is Outcome.INVALID
    assert any("mine" in reason and said in reason for reason in reasons)
