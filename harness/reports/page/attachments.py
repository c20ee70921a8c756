"""What goes into the page besides the run itself: pictures, a decision of a gate, flame graphs."""

from __future__ import annotations

from base64 import b64encode

import msgspec
from msgspec import Struct

from harness.stats.verdict import SCHEMA, Verdict


class GateReport(Struct, frozen=True):
    """What `gate/report.json` says; `trouble` says why it cannot be relied on, empty if it can.

    Without a verdict and without trouble, no gate was asked.
    """

    verdict: Verdict | None = None
    trouble: str = ""


def read_gate(content: bytes, run_id: str) -> GateReport:
    """Return the decision in `content`, or what is wrong with it: damage is never a pass.

    Args:
        content: The whole of report.json.
        run_id: The run that the page is about.
    """
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


MOST_SVG_BYTES = 512 * 1024
"""Where an SVG is larger, its PNG is shown: thousands of points are no sharper as outlines."""


class Picture(Struct, frozen=True):
    """One plot in both formats, and the question that it answers."""

    name: str
    question: str
    svg: bytes
    png: bytes

    @property
    def source(self) -> str:
        """The address of the image: its content, so that it needs no file and no network.

        As an image, an SVG can run no script and load nothing, whoever drew it.
        """
        kind, content = ("svg+xml", self.svg) if self._is_small else ("png", self.png)
        return f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"

    @property
    def _is_small(self) -> bool:
        return len(self.svg) <= MOST_SVG_BYTES


Flame = tuple[str, str, str]
"""Binary, source, and what the graph shows."""
