"""What goes into the page besides the run itself: pictures, a decision of a gate, flame graphs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from harness.stats.verdict import SCHEMA, Verdict


class GateReport(Struct, frozen=True):
    """What `gate/report.json` says; `trouble` says why it cannot be relied on, empty if it can.

    Without a verdict and without trouble, no gate was asked. `flames` are the addresses of those
    flame graphs that are really there, by what the verdict calls them.
    """

    verdict: Verdict | None = None
    trouble: str = ""
    flames: Mapping[str, str] = {}


def read_gate(content: bytes, run_id: str) -> GateReport:
    """Return the decision in a report.json, or what is wrong with it: damage is never a pass."""
    try:
        version = msgspec.json.decode(content, type=_Version).schema
        if version != SCHEMA:
            return GateReport(
                trouble=f"the gate's report is of form {version}, only {SCHEMA} is known"
            )
        verdict = msgspec.json.decode(content, type=Verdict)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return GateReport(trouble=f"the gate's report is damaged: {error}")
    if verdict.run_id != run_id:
        return GateReport(trouble=f"the gate's report is about another run, {verdict.run_id}")
    return GateReport(verdict)


class _Version(msgspec.Struct):
    schema: int = 0


_KINDS = {"svg": "svg+xml", "png": "png"}


class Picture(Struct, frozen=True):
    """One plot, the suffix of its format, and the question that it answers."""

    name: str
    question: str
    suffix: str
    content: bytes

    @property
    def source(self) -> str:
        """The address of the image: its content, so that it needs no file and no network.

        As an image, an SVG can run no script and load nothing, whoever drew it.
        """
        content = b64encode(self.content).decode("ascii")
        return f"data:image/{_KINDS[self.suffix]};base64,{content}"


Flame = tuple[str, str, str]
"""Binary, source, and what the graph shows."""
