"""Put what all gates found together into the one document that everything else is made from."""

from __future__ import annotations

from collections.abc import Mapping

from harness.contracts import Gate
from harness.gates.decision import EXIT_CODES, ask, decide, gate_rows
from harness.gates.evidence import Evidence
from harness.stats.verdict import Inventory, Side, Verdict


def give_verdict(
    gates: Mapping[str, Gate],
    evidence: Evidence,
    *,
    sides: tuple[Side | None, Side],
    inventory: Inventory,
    command: str = "",
) -> Verdict:
    """Ask every gate and decide.

    Args:
        gates: Each with the name it is registered under.
        evidence: What they may look at.
        sides: Where the numbers come from: of the baseline, if there is one, and the candidate.
        inventory: How the files changed since the ancestor; it informs and decides nothing.
        command: What gives this verdict again.
    """
    baseline, candidate = sides
    found = ask(gates, evidence)
    decision, reasons = decide(found)
    findings = list(found.values())
    return Verdict(
        decision=decision,
        exit_code=EXIT_CODES[decision],
        reasons=reasons,
        suite=evidence.suite.name,
        run_id=candidate.run_id,
        baseline=baseline,
        candidate=candidate,
        inventory=inventory,
        experiments=[row for one in findings for row in one.experiments],
        bounds=[row for one in findings for row in one.bounds],
        faults=[fault for one in findings for fault in one.faults],
        gates=gate_rows(found),
        command=command,
    )
