"""The decision that a gate left beside the run, and why it may be none."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from harness.stats.verdict import SCHEMA, Verdict


class Gate(Struct, frozen=True):
    """What `gate/report.json` says; `trouble` says why it cannot be relied on, empty if it can.

    Without a verdict and without trouble, no gate was asked.
    """

    verdict: Verdict | None = None
    trouble: str = ""


def read_gate(content: bytes, run_id: str) -> Gate:
    """Return the decision in `content`, or what is wrong with it: damage is never a pass.

    Args:
        content: The whole of report.json.
        run_id: The run that the page is about.
    """
    try:
        version = msgspec.json.decode(content, type=_Version).schema
        if version != SCHEMA:
            return Gate(trouble=f"the gate's report is of form {version}, only {SCHEMA} is known")
        verdict = msgspec.json.decode(content, type=Verdict)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Gate(trouble=f"the gate's report is damaged: {error}")
    if verdict.run_id != run_id:
        return Gate(trouble=f"the gate's report is about another run, {verdict.run_id}")
    return Gate(verdict)


class _Version(msgspec.Struct):
    schema: int = 0
