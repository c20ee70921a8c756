"""Ask every gate, and decide: invalid outranks failed, and what was not shown is no pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.contracts import Gate
from harness.gates.evidence import Evidence
from harness.stats.check import BoundCheck, Check, Comparison, Outcome, Precondition, gravest
from harness.stats.verdict import FileChanges, GateSummary, Side, Verdict

_NAMED = {
    Outcome.INVALID: (5, "cannot be judged"),
    Outcome.FAIL: (25, "failed"),
    Outcome.INCONCLUSIVE: (5, "inconclusive"),
}
"""Of how many checks the reasons say what came of them, and what they say of the rest."""


def give_verdict(
    gates: Mapping[str, Gate],
    evidence: Evidence,
    *,
    sides: tuple[Side | None, Side],
    inventory: FileChanges,
    command: str = "",
) -> Verdict:
    """Ask every gate and decide.

    `sides` are the baseline, if there is one, and the candidate; `inventory`, how the files changed
    since the ancestor, informs and decides nothing.
    """
    baseline, candidate = sides
    found = ask(gates, evidence)
    decision, reasons = decide(found)
    checks = [check for answer in found.values() for check in answer]
    return Verdict(
        decision=decision,
        exit_code=decision.exit_code,
        reasons=reasons,
        suite=evidence.suite.name,
        run_id=candidate.run_id,
        baseline=baseline,
        candidate=candidate,
        inventory=inventory,
        experiments=[check for check in checks if isinstance(check, Comparison)],
        bounds=[check for check in checks if isinstance(check, BoundCheck)],
        faults=[check for check in checks if isinstance(check, Precondition) and check.counts],
        gates=summarise(found),
        command=command,
    )


def ask(gates: Mapping[str, Gate], evidence: Evidence) -> dict[str, list[Check]]:
    """Return what each gate finds; one that breaks its contract is no pass."""
    found: dict[str, list[Check]] = {}
    for name, gate in gates.items():
        try:
            found[name] = [_checked(one) for one in gate(evidence)]
        except Exception as error:  # noqa: BLE001  anybody's code: whatever it raises is no pass
            reason = f"it broke down: {type(error).__name__}: {error}"
            found[name] = [Precondition(what=f"gate {name}", reason=reason)]
    return found


def _checked(one: Check) -> Check:
    if not isinstance(one, Check):
        raise TypeError(f"it returned something of type {type(one).__name__} among its checks")
    return one


def decide(found: Mapping[str, Sequence[Check]]) -> tuple[Outcome, list[str]]:
    """Return the decision on everything that was found, and why it is not a pass.

    Invalid when anything that the suite expects is missing or cannot be judged, or when nothing
    was judged that could have failed; failed when a bound or a comparison that guards the job did;
    inconclusive when one of those could not be told.
    """
    counting = [check for checks in found.values() for check in checks if check.counts]
    counting.sort(key=lambda check: not isinstance(check, Precondition))  # causes come first
    reasons = [text for outcome in _NAMED for text in _iter_reasons(counting, outcome)]
    decision = gravest(check.outcome for check in counting)
    if decision is Outcome.NOT_ASKED:
        return Outcome.INVALID, [*reasons, "nothing that guards the job was judged"]
    return decision, reasons


def _iter_reasons(counting: Sequence[Check], outcome: Outcome) -> Iterator[str]:
    said = [check.summary for check in counting if check.outcome.decision is outcome]
    most, rest = _NAMED[outcome]
    yield from said[:most]
    if len(said) > most:
        yield f"and {len(said) - most} more: {rest}"


def summarise(found: Mapping[str, Sequence[Check]]) -> list[GateSummary]:
    """Return for each gate the gravest outcome that it found, and how to see that again."""
    return [_summary(name, checks) for name, checks in found.items()]


def _summary(name: str, checks: Sequence[Check]) -> GateSummary:
    outcome = gravest(check.outcome for check in checks if check.counts or check.outcome.passes)
    grave = [
        check
        for check in checks
        if check.counts and not check.outcome.passes and check.outcome.decision is outcome
    ]
    return GateSummary(
        name=name,
        gate=any(check.gate for check in checks),
        outcome=outcome,
        detail=_detail(grave, checks),
        repeat_command=next((check.repeat_command for check in grave), ""),
    )


def _detail(grave: Sequence[Check], checks: Sequence[Check]) -> str:
    if grave:
        more = f", and {len(grave) - 1} more" if len(grave) > 1 else ""
        return f"{grave[0].summary}{more}"
    found = [check.outcome.decision for check in checks]
    passed, untested, unguarded = map(found.count, (Outcome.PASS, Outcome.NOT_ASKED, Outcome.FAIL))
    parts = [f"{passed} passed"]
    parts += [f"{untested} not put to the test"] if untested else []
    parts += [f"{unguarded} failed that guard nothing"] if unguarded else []
    return ", ".join(parts) if passed or untested or unguarded else "the suite asks nothing of it"
