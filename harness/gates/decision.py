"""Ask every gate, and decide: invalid outranks failed, and what was not shown is no pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.contracts import Gate
from harness.errors import ExitCode
from harness.gates.evidence import Evidence
from harness.stats.compare import State
from harness.stats.verdict import (
    BoundRow,
    Case,
    ExperimentRow,
    Fault,
    Findings,
    GateRow,
    Outcome,
)

EXIT_CODES = {
    Outcome.PASS: ExitCode.OK,
    Outcome.FAIL: ExitCode.GATE_FAILED,
    Outcome.INCONCLUSIVE: ExitCode.INVALID,
    Outcome.INVALID: ExitCode.INVALID,
}
_GRAVEST_FIRST = (Outcome.INVALID, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)
_OUTCOMES = {
    State.INVALID: Outcome.INVALID,
    State.REGRESSED: Outcome.FAIL,
    State.INCONCLUSIVE: Outcome.INCONCLUSIVE,
    State.CLEAN: Outcome.PASS,
    State.IMPROVED: Outcome.PASS,
}
_MOST_NAMED = {Outcome.INVALID: 5, Outcome.FAIL: 25, Outcome.INCONCLUSIVE: 5}
_REST = {
    Outcome.INVALID: "cannot be judged",
    Outcome.FAIL: "failed",
    Outcome.INCONCLUSIVE: "inconclusive",
}


def ask(gates: Mapping[str, Gate], evidence: Evidence) -> dict[str, Findings]:
    """Return what each gate finds; one that breaks its contract and raises is a fault, no pass."""
    found: dict[str, Findings] = {}
    for name, gate in gates.items():
        try:
            found[name] = gate(evidence)
        except Exception as error:  # noqa: BLE001  anybody's code: whatever it raises is no pass
            reason = f"it broke down: {type(error).__name__}: {error}"
            found[name] = Findings(faults=[Fault(what=f"gate {name}", reason=reason)])
    return found


@dataclass(frozen=True, slots=True)
class _Item:
    """One row or fault, as far as the decision is concerned."""

    outcome: Outcome
    guards: bool
    says: str
    repeat_command: str = ""
    is_fault: bool = False

    @property
    def counts(self) -> bool:
        """Whether it bears on the decision: what is invalid always does, the rest if it guards."""
        return self.guards or self.outcome is Outcome.INVALID


def decide(found: Mapping[str, Findings]) -> tuple[Outcome, list[str]]:
    """Return the decision on everything that was found, and why it is not a pass.

    Invalid when anything that the suite expects is missing or cannot be judged, or when nothing
    was judged that could have failed; failed when a bound or a comparison that guards the job did;
    inconclusive when one of those could not be told.
    """
    items = [item for findings in found.values() for item in _iter_items(findings)]
    items.sort(key=lambda item: not item.is_fault)  # causes before what follows from them
    reasons = [text for outcome in _GRAVEST_FIRST for text in _says(items, outcome)]
    decision = _worst(items)
    if decision is Outcome.NOT_ASKED:
        return Outcome.INVALID, [*reasons, "nothing that guards the job was judged"]
    return decision, reasons


def gate_rows(found: Mapping[str, Findings]) -> list[GateRow]:
    """Return one row a gate: the worst that it found, and how to see that again."""
    return [_gate_row(name, findings) for name, findings in found.items()]


def _gate_row(name: str, findings: Findings) -> GateRow:
    items = list(_iter_items(findings))
    guards = any(item.guards for item in items) or bool(findings.checked)
    state = _worst([*items, *_passes(items, findings)])
    grave = [item for item in items if item.counts and item.outcome is state is not Outcome.PASS]
    return GateRow(
        name=name,
        gate=guards,
        state=state,
        detail=_detail(grave, items, findings),
        repeat_command=next((item.repeat_command for item in grave), ""),
    )


def _passes(items: Sequence[_Item], findings: Findings) -> Iterator[_Item]:
    """Yield a pass for a gate that looked at something and found no fault in it."""
    looked = findings.checked or any(item.outcome is Outcome.PASS for item in items)
    if looked:
        yield _Item(Outcome.PASS, guards=True, says="")


def _detail(grave: Sequence[_Item], items: Sequence[_Item], findings: Findings) -> str:
    if grave:
        more = f", and {len(grave) - 1} more" if len(grave) > 1 else ""
        return f"{grave[0].says}{more}"
    passed = findings.checked or sum(item.outcome is Outcome.PASS for item in items)
    untested = sum(item.outcome is Outcome.NOT_ASKED for item in items)
    unguarded = sum(item.outcome is Outcome.FAIL for item in items)
    parts = [f"{passed} passed"]
    parts += [f"{untested} not put to the test"] if untested else []
    parts += [f"{unguarded} failed that guard nothing"] if unguarded else []
    return ", ".join(parts) if passed or untested or unguarded else "the suite asks nothing of it"


def _worst(items: Sequence[_Item]) -> Outcome:
    """Return the gravest outcome that counts; `NOT_ASKED` when nothing was judged."""
    outcomes = {item.outcome for item in items if item.counts}
    return next((one for one in _GRAVEST_FIRST if one in outcomes), Outcome.NOT_ASKED)


def _says(items: Sequence[_Item], outcome: Outcome) -> Iterator[str]:
    said = [item.says for item in items if item.counts and item.outcome is outcome]
    most = _MOST_NAMED.get(outcome, 0)
    yield from said[:most]
    if len(said) > most and most:
        yield f"and {len(said) - most} more: {_REST[outcome]}"


def _iter_items(findings: Findings) -> Iterator[_Item]:
    for fault in findings.faults:
        says = f"{fault.what}: {fault.reason}"
        yield _Item(Outcome.INVALID, False, says, fault.repeat_command, is_fault=True)
    for row in findings.experiments:
        says = f"{_named(row.case)}: {_change(row)}"
        yield _Item(_OUTCOMES[row.state], row.gate, says, row.repeat_command)
    for bound in findings.bounds:
        says = f"{_named(bound.case)}: {_keeping(bound)}"
        yield _Item(bound.outcome, bound.gate, says, bound.repeat_command)


def _change(row: ExperimentRow) -> str:
    if row.faults:
        return f"{row.metric} cannot be compared: {'; '.join(row.faults)}"
    change = "" if row.delta_pct is None else f" ({row.delta_pct:+.2f} %)"
    return f"{row.metric} {row.state}{change}"


def _keeping(row: BoundRow) -> str:
    says = {
        Outcome.FAIL: f"{row.replicates_passed}/{row.replicates} replicates within its bound",
        Outcome.INCONCLUSIVE: f"inconclusive: {row.detail}",
        Outcome.INVALID: f"cannot be checked: {row.detail}",
    }
    return f"{row.check}: {says.get(row.outcome, row.outcome)}"


def _named(case: Case) -> str:
    return f"{case.experiment} ({case.binary}, {case.source}, {case.arm})"
